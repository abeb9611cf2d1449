using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The connection on which this node hears of the others' changes. While it is out of contact it keeps saying that anything may have
/// changed, so that nothing stale is believed for longer than <see cref="Pause"/>.
/// </summary>
internal sealed partial class PostgresListener : IAsyncDisposable
{
    /// <summary>A dead link is noticed after this time and the second that the answer may take.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromMilliseconds(750);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly string _connectionString;
    private readonly PostgresNotices _notices;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;
    private volatile bool _inContact;

    public PostgresListener(PostgresSettings settings, PostgresNotices notices, ILogger logger)
    {
        _connectionString = settings.ListenerConnectionString;
        _notices = notices;
        _logger = logger;
    }

    /// <summary>False while changes of other nodes would not be heard of.</summary>
    public bool InContact => _inContact;

    /// <summary>Returns when it listens.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        _run = Task.Run(() => RunAsync(connection), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync(NpgsqlConnection? connection)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                connection ??= await ConnectAsync(_stop.Token);
                await ListenAsync(connection);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                if (_inContact)
                {
                    ContactLost(_logger, e);
                }

                _inContact = false;
                _notices.PublishAnything();
                connection = await CloseAsync(connection);
                await Task.WhenAny(Task.Delay(Pause, TimeProvider.System, _stop.Token));
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        await CloseAsync(connection);
    }

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            connection.Notification += (_, notice) => _notices.Receive(notice.Payload);
            await using var listen = new NpgsqlCommand($"LISTEN {PostgresNotices.Channel}", connection);
            await listen.ExecuteNonQueryAsync(cancellationToken);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        // What was committed before this moment was not heard of.
        _notices.PublishAnything();
        _inContact = true;
        return connection;
    }

    private async Task ListenAsync(NpgsqlConnection connection)
    {
        await using var ping = new NpgsqlCommand("SELECT 1", connection) { CommandTimeout = 1 };
        while (true)
        {
            if (!await connection.WaitAsync(PingInterval, _stop.Token))
            {
                await ping.ExecuteScalarAsync(_stop.Token);
            }
        }
    }

    private static async Task<NpgsqlConnection?> CloseAsync(NpgsqlConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }

        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Contact with the database was lost: until it is back, nothing that other nodes may have changed is kept in memory.")]
    private static partial void ContactLost(ILogger logger, Exception exception);
}
