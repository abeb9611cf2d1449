using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The connections of this node. A call uses one connection and never waits for a second one while it holds the first, so that calls
/// cannot block each other however many there are.
/// </summary>
internal sealed class PostgresPool : IAsyncDisposable
{
    private const int Attempts = 8;
    private const int LongestPauseMilliseconds = 40;

    private readonly NpgsqlDataSource _source;
    private readonly string _address;

    // Lists and purges never hold more than a part of the pool (F-31).
    private readonly SemaphoreSlim _bulk;

    public PostgresPool(PostgresSettings settings)
    {
        _source = NpgsqlDataSource.Create(settings.ConnectionString);
        _address = settings.Address;
        _bulk = new SemaphoreSlim(Math.Max(1, settings.MaxPoolSize / 4));
    }

    /// <summary>
    /// Runs <paramref name="use"/> on a connection; again when another transaction was in the way or the connection had been lost since
    /// its last use. A use that must not be repeated reports that by an exception that is none of Npgsql's.
    /// </summary>
    /// <exception cref="StorageUnavailableException">The database cannot serve now.</exception>
    public async Task<T> UseAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await OpenAsync(cancellationToken);
                return await use(connection);
            }
            catch (NpgsqlException e) when (attempt < Attempts && PostgresFailures.IsConflict(e))
            {
                var pause = TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(LongestPauseMilliseconds));
                await Task.Delay(pause, TimeProvider.System, cancellationToken);
            }
            catch (NpgsqlException e) when (attempt < Attempts && PostgresFailures.IsBroken(e))
            {
                // The other idle connections will have been lost with it.
                _source.Clear();
            }
            catch (NpgsqlException e) when (PostgresFailures.IsUnavailable(e))
            {
                throw Unavailable(e);
            }
        }
    }

    /// <summary>As <see cref="UseAsync"/>, for what may read or remove many rows.</summary>
    public async Task<T> UseForManyAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellationToken)
    {
        await _bulk.WaitAsync(cancellationToken);
        try
        {
            return await UseAsync(use, cancellationToken);
        }
        finally
        {
            _bulk.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _bulk.Dispose();
    }

    /// <summary>A connection that cannot be opened is not tried again: whoever waits decides how long.</summary>
    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _source.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
        {
            throw Unavailable(e);
        }
    }

    private StorageUnavailableException Unavailable(Exception e) => new($"The database {_address} does not serve: {e.Message}", e);
}
