namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// The idle readers. There are as many as there were reads at once: a read takes microseconds on the caller's thread, so that is about
/// one a core, and nobody ever waits for one.
/// </summary>
internal sealed class SqliteReaders(string file) : IDisposable
{
    private const int Kept = 32;

    private readonly Lock _gate = new();
    private readonly Stack<SqliteReader> _idle = new();
    private bool _disposed;

    public T Read<TState, T>(TState state, Func<SqliteReader, TState, T> read)
    {
        var reader = Rent();
        T result;
        try
        {
            result = read(reader, state);
        }
        catch
        {
            // A connection that failed once is not trusted with the next read.
            reader.Dispose();
            throw;
        }

        Return(reader);
        return result;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_idle.TryPop(out var reader))
            {
                reader.Dispose();
            }
        }
    }

    private SqliteReader Rent()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(SqliteStorage));
            if (_idle.TryPop(out var reader))
            {
                return reader;
            }
        }

        return new SqliteReader(SqliteConnection.OpenReader(file));
    }

    private void Return(SqliteReader reader)
    {
        lock (_gate)
        {
            if (!_disposed && _idle.Count < Kept)
            {
                _idle.Push(reader);
                return;
            }
        }

        reader.Dispose();
    }
}
