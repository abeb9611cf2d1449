using System.Globalization;
using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The tables, and the steps from every older layout to the newest. A step that was released is never edited. Text compares byte by byte
/// (collation "C"), instants are microseconds since 1970, and rows keep room on their page so that an update touches no index.
/// </summary>
internal static class PostgresSchema
{
    // Any number that others are unlikely to lock in the same database: "tokenvlt".
    private const long MigrationLock = 0x746F6B656E766C74;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE schema_version (version integer NOT NULL);
        INSERT INTO schema_version VALUES (0);
        CREATE TABLE entity (
            kind text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL,
            version bigint NOT NULL,
            expires_at bigint,
            body bytea NOT NULL,
            PRIMARY KEY (kind, id)
        ) WITH (fillfactor = 80);
        CREATE INDEX entity_expiry ON entity (expires_at) WHERE expires_at IS NOT NULL;
        CREATE TABLE unique_key (
            kind text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            value text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL,
            PRIMARY KEY (kind, name, value),
            FOREIGN KEY (kind, id) REFERENCES entity ON DELETE CASCADE
        );
        CREATE INDEX unique_key_row ON unique_key (kind, id);
        CREATE TABLE index_key (
            name text COLLATE "C" NOT NULL,
            value text COLLATE "C" NOT NULL,
            kind text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL,
            PRIMARY KEY (name, value, kind, id),
            FOREIGN KEY (kind, id) REFERENCES entity ON DELETE CASCADE
        );
        CREATE INDEX index_key_row ON index_key (kind, id);
        CREATE SEQUENCE audit_sequence;
        CREATE TABLE audit (
            sequence bigint PRIMARY KEY DEFAULT nextval('audit_sequence'),
            id text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            body bytea NOT NULL
        );
        ALTER SEQUENCE audit_sequence OWNED BY audit.sequence;
        CREATE SEQUENCE fence;
        CREATE TABLE lease (
            name text COLLATE "C" PRIMARY KEY,
            fence bigint NOT NULL,
            owner text COLLATE "C",
            until timestamptz NOT NULL
        ) WITH (fillfactor = 70);
        CREATE TABLE probe (id integer PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50);
        """,
        """
        ALTER TABLE audit ADD COLUMN user_id text COLLATE "C", ADD COLUMN mac bytea;
        UPDATE audit SET user_id = convert_from(body, 'UTF8')::json->>'user_id';
        CREATE INDEX audit_id ON audit (id);
        CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
        """,
    ];

    /// <summary>The newest layout that this server knows.</summary>
    public static int Newest => Steps.Length;

    /// <exception cref="StartupException">The database was written by a newer server, or is not one to keep tokens in.</exception>
    public static async Task MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await VerifyAsync(connection, cancellationToken);

        // Most starts change nothing, need no lock, and may run as a role that cannot change tables.
        if (await FindVersionAsync(connection, cancellationToken) == Newest)
        {
            return;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await ExecuteAsync(connection, "SET LOCAL lock_timeout = '30s'", cancellationToken);
            await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellationToken);
            await ExecuteAsync(connection, "SET LOCAL lock_timeout = '2s'", cancellationToken);
            await StepAsync(connection, await FindVersionAsync(connection, cancellationToken), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new StartupException("The tables of the database are in use, so they cannot be brought up to date: start again when there is less to do.", e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StartupException($"The database's role may not create or change tables ({e.MessageText}): start once as their owner.", e);
        }
    }

    private static async Task StepAsync(NpgsqlConnection connection, int found, CancellationToken cancellationToken)
    {
        for (var step = found; step < Newest; step++)
        {
            await ExecuteAsync(connection, Steps[step], cancellationToken);
        }

        await ExecuteAsync(connection, $"UPDATE schema_version SET version = {Newest}", cancellationToken);
    }

    private static async Task VerifyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT current_setting('server_encoding'), current_setting('synchronous_commit')", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (reader.GetString(0) is not "UTF8" and var encoding)
        {
            throw new StartupException($"The database's encoding is {encoding}: create it with ENCODING 'UTF8'.");
        }

        if (reader.GetString(1) is "off")
        {
            throw new StartupException("The database runs with synchronous_commit = off, which loses commits that were reported durable: switch it on.");
        }
    }

    /// <exception cref="StartupException">The version is above <see cref="Newest"/>.</exception>
    private static async Task<int> FindVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Not by to_regclass, which may remember from before the wait for the lock that there was none.
        const string search = "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE tablename = 'schema_version' AND schemaname = ANY (current_schemas(false)))";
        await using var exists = new NpgsqlCommand(search, connection);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return 0;
        }

        await using var command = new NpgsqlCommand("SELECT version FROM schema_version", connection);
        var found = Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
        return found <= Newest
            ? found
            : throw new StartupException(
                $"The database has schema {found}, this server knows schemas up to {Newest}: start the server that wrote it, or restore a backup.");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
