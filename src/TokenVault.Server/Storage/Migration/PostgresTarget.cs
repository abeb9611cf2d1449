using Npgsql;
using NpgsqlTypes;
using TokenVault.Server.Storage.Postgres;

namespace TokenVault.Server.Storage.Migration;

/// <summary>An empty PostgreSQL database that is filled in one transaction: until the end, nothing of it is there for anybody else.</summary>
internal sealed class PostgresTarget : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private PostgresTarget(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    /// <exception cref="StartupException">The database cannot be used, or is not empty.</exception>
    public static async Task<PostgresTarget> OpenAsync(PostgresSettings settings, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(settings.CopyConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await PostgresSchema.MigrateAsync(connection, cancellationToken);
            var transaction = await connection.BeginTransactionAsync(cancellationToken);

            // A server that starts meanwhile waits, and then finds the rows.
            await ExecuteAsync(connection, "LOCK TABLE entity, unique_key, index_key, audit IN EXCLUSIVE MODE", cancellationToken);
            await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM entity) OR EXISTS (SELECT 1 FROM audit)", connection);
            return await command.ExecuteScalarAsync(cancellationToken) is false
                ? new PostgresTarget(connection, transaction)
                : throw new StartupException($"The database {settings.Address} is not empty: copy into a new one.");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async Task CopyAsync(StorageTable table, IEnumerable<object?[]> rows, CancellationToken cancellationToken)
    {
        await using var import = await _connection.BeginBinaryImportAsync(table.CopyToPostgres, cancellationToken);
        import.Timeout = Timeout.InfiniteTimeSpan;
        foreach (var row in rows)
        {
            await import.StartRowAsync(cancellationToken);
            for (var i = 0; i < row.Length; i++)
            {
                await WriteAsync(import, row[i], cancellationToken);
            }
        }

        await import.CompleteAsync(cancellationToken);
    }

    public async Task<TableDigest> DigestAsync(StorageTable table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(table.ReadFromPostgres, _connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var digest = new TableDigest();
        var row = new object?[table.Columns.Count];
        while (await reader.ReadAsync(cancellationToken))
        {
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            }

            digest.Add(row);
        }

        return digest;
    }

    /// <summary>New fences and audit numbers begin above these; then everything is there at once.</summary>
    public async Task FinishAsync(long fence, long sequence, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT setval('fence', $1 + 1, false), setval('audit_sequence', $2 + 1, false)", _connection)
        {
            Parameters = { PostgresValues.Number(fence), PostgresValues.Number(sequence) },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        await ExecuteAsync(_connection, "ANALYZE entity, unique_key, index_key, audit", cancellationToken);
        await _transaction.CommitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static Task WriteAsync(NpgsqlBinaryImporter import, object? value, CancellationToken cancellationToken) => value switch
    {
        null => import.WriteNullAsync(cancellationToken),
        string text => import.WriteAsync(text, NpgsqlDbType.Text, cancellationToken),
        long number => import.WriteAsync(number, NpgsqlDbType.Bigint, cancellationToken),
        _ => import.WriteAsync((byte[])value, NpgsqlDbType.Bytea, cancellationToken),
    };

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
