using System.Diagnostics;
using System.Globalization;
using Npgsql;
using TokenVault.Server.Storage.Migration;
using TokenVault.Server.Storage.Postgres;

namespace TokenVault.Server;

/// <summary>
/// <c>tokenvault-server migrate</c>: copies a SQLite store to an empty PostgreSQL database and compares both sides, row by row, before
/// the copy takes effect. Whatever goes wrong, the file is as it was and the database is empty.
/// </summary>
internal static class MigrateCommand
{
    public const string Usage = "usage: tokenvault-server migrate [--from <data directory>] [--to <connection string>]";

    private const int RowsPerLine = 50_000;

    public static async Task<int> RunAsync(string[] args, TextWriter output, CancellationToken cancellationToken = default)
    {
        if (Read(args) is not { } options)
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }

        if (options.Storage.ConnectionString is not { } connectionString)
        {
            throw new StartupException($"Where to is missing: {TokenVaultOptions.Section}__Storage__ConnectionString, or --to \"Host=…;Database=…\".");
        }

        var settings = PostgresSettings.Parse(connectionString)!;
        try
        {
            await CopyAsync(options.DatabaseFile, settings, output, cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is NpgsqlException or System.Net.Sockets.SocketException or TimeoutException)
        {
            throw new StartupException($"The database {settings.Address} cannot be used: {e.Message} The file is as it was, and the database has all of it or nothing.", e);
        }
    }

    /// <summary>The server's own settings, so that a password can stay out of the arguments; null when the arguments are none.</summary>
    private static TokenVaultOptions? Read(string[] args)
    {
        var given = new Dictionary<string, string?>();
        for (var i = 0; i < args.Length; i += 2)
        {
            var key = args[i] switch
            {
                "--from" => "DataDirectory",
                "--to" => "Storage:ConnectionString",
                _ => null,
            };
            if (key is null || i + 1 == args.Length)
            {
                return null;
            }

            given[$"{TokenVaultOptions.Section}:{key}"] = args[i + 1];
        }

        return CommandOptions.Read(given);
    }

    private static async Task CopyAsync(string databaseFile, PostgresSettings settings, TextWriter output, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await using var source = SqliteSource.Open(databaseFile);
        await using var target = await PostgresTarget.OpenAsync(settings, cancellationToken);
        await output.WriteLineAsync($"Copying '{Path.GetFullPath(databaseFile)}' to the database {settings.Address}");
        var rows = 0L;
        foreach (var table in StorageTable.All)
        {
            rows += await CopyAsync(table, source, target, output, cancellationToken);
        }

        var (fence, sequence) = source.Highest;
        await target.FinishAsync(fence, sequence, cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        await output.WriteLineAsync($"Copied and compared {Count(rows)} rows in {seconds} s. The file was left as it was.");
        await output.WriteLineAsync(
            $"Now start the server with {TokenVaultOptions.Section}__Storage__ConnectionString and the same root key, and keep the file until it serves.");
    }

    private static async Task<long> CopyAsync(
        StorageTable table, SqliteSource source, PostgresTarget target, TextWriter output, CancellationToken cancellationToken)
    {
        var total = source.Count(table);
        using var read = new TableDigest();
        await target.CopyAsync(table, Observed(source.Read(table)), cancellationToken);
        using var written = await target.DigestAsync(table, cancellationToken);
        var (from, to) = (read.Finish(), written.Finish());
        if (read.Rows != total || written.Rows != total || !from.AsSpan().SequenceEqual(to))
        {
            throw new StartupException(
                $"The table {table.Name} differs after copying ({Count(total)} rows there, {Count(read.Rows)} read, {Count(written.Rows)} here). Nothing was copied.");
        }

        await output.WriteLineAsync($"  {table.Name,-10} {Count(total),12} rows, SHA-256 {Convert.ToHexStringLower(to)[..16]}… on both sides");
        return total;

        IEnumerable<object?[]> Observed(IEnumerable<object?[]> rows)
        {
            foreach (var row in rows)
            {
                read.Add(row);
                yield return row;
                if (read.Rows % RowsPerLine == 0)
                {
                    output.WriteLine($"  {table.Name,-10} {Count(read.Rows),12} of {Count(total)}");
                }
            }
        }
    }

    private static string Count(long rows) => rows.ToString("N0", CultureInfo.InvariantCulture);
}
