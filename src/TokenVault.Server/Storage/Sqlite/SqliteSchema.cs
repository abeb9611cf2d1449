using System.Globalization;

namespace TokenVault.Server.Storage.Sqlite;

/// <summary>The tables, and the steps from every older layout to the newest. A step that was released is never edited.</summary>
internal static class SqliteSchema
{
    private static readonly string[][] Steps =
    [
        [
            """
            CREATE TABLE entity (
                row INTEGER PRIMARY KEY,
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                version INTEGER NOT NULL,
                expires_at INTEGER, -- microseconds since 1970, as everywhere
                body BLOB NOT NULL,
                UNIQUE (kind, id)
            )
            """,
            "CREATE INDEX entity_expiry ON entity (expires_at) WHERE expires_at IS NOT NULL",
            """
            CREATE TABLE unique_key (
                kind TEXT NOT NULL,
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                row INTEGER NOT NULL,
                PRIMARY KEY (kind, name, value)
            ) WITHOUT ROWID
            """,
            "CREATE INDEX unique_key_row ON unique_key (row)",
            """
            CREATE TABLE index_key (
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                row INTEGER NOT NULL,
                PRIMARY KEY (name, value, kind, id)
            ) WITHOUT ROWID
            """,
            "CREATE INDEX index_key_row ON index_key (row)",
            "CREATE TABLE audit (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL)",
            "CREATE TABLE lease (name TEXT NOT NULL PRIMARY KEY, fence INTEGER NOT NULL, owner TEXT, until INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX lease_until ON lease (until)",
            "CREATE TABLE fence (last INTEGER NOT NULL)",
            "INSERT INTO fence (last) VALUES (0)",
            "CREATE TABLE probe (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
        ],
        [
            "ALTER TABLE audit ADD COLUMN user_id TEXT",
            "ALTER TABLE audit ADD COLUMN mac BLOB",
            "UPDATE audit SET user_id = json_extract(CAST(body AS TEXT), '$.user_id') WHERE json_valid(CAST(body AS TEXT))",
            "CREATE INDEX audit_id ON audit (id)",
            "CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL",
        ],
        [
            "DROP INDEX audit_user",
            """
            CREATE TABLE audit_user ( -- see SqliteLogIndex
                part INTEGER NOT NULL,
                user_id TEXT NOT NULL,
                id TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                PRIMARY KEY (part, user_id, id, sequence)
            ) WITHOUT ROWID
            """,
            "CREATE TABLE audit_user_parts (through INTEGER NOT NULL)",
            "INSERT INTO audit_user_parts (through) SELECT coalesce(max(sequence), 0) / 1024 * 1024 FROM audit",
            """
            INSERT INTO audit_user (part, user_id, id, sequence)
            SELECT (sequence - 1) / 1024, user_id, id, sequence FROM audit
            WHERE sequence <= (SELECT through FROM audit_user_parts) AND user_id IS NOT NULL ORDER BY 1, 2, 3
            """,
        ],
    ];

    /// <summary>The newest layout that this server knows.</summary>
    public static int Newest => Steps.Length;

    /// <exception cref="StartupException">The file was written by a newer server.</exception>
    public static void Migrate(SqliteConnection connection)
    {
        connection.Begin();
        try
        {
            var found = int.Parse(connection.QueryText("PRAGMA user_version"), CultureInfo.InvariantCulture);
            if (found > Newest)
            {
                throw new StartupException(
                    $"The database has schema {found}, this server knows schemas up to {Newest}: start the server that wrote it, or restore a backup.");
            }

            foreach (var statement in Steps.Skip(found).SelectMany(step => step))
            {
                connection.Execute(statement);
            }

            if (found < Newest)
            {
                connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version={Newest}"));
            }

            connection.Commit();
        }
        catch
        {
            if (connection.InTransaction)
            {
                connection.Rollback();
            }

            throw;
        }
    }
}
