using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server;

/// <summary>
/// <c>tokenvault-server audit</c>: verifies the audit log of the store that the settings name, beside running servers: on PostgreSQL as one
/// more node, on SQLite through the server that holds the file.
/// </summary>
internal static class AuditCommand
{
    public const string Usage =
        """
        usage: tokenvault-server audit verify                  names every altered, missing, inserted or moved row of the audit log
               tokenvault-server audit verify --head <head>    the same, and that the chain still holds this head, which a log stream brought
        """;

    /// <param name="args">After <c>audit</c>.</param>
    /// <param name="output">What the operator sees.</param>
    /// <param name="configuration">Null: the server's own settings, from the environment and appsettings.json.</param>
    /// <param name="time">Null: the system's.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    public static async Task<int> RunAsync(
        string[] args, TextWriter output, IConfiguration? configuration = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        string[] words = ["audit", .. args];
        var (known, witness) = AuditOperation.Parse(words);
        if (!known)
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }

        var options = CommandOptions.Read(configuration);
        if (options.Storage.ConnectionString is null
            && await ControlClient.TryAsync(options.DataDirectory, string.Join(' ', words), output, cancellationToken) is { } code)
        {
            return code;
        }

        CommandOptions.RequireDatabase(options);
        time ??= TimeProvider.System;
        try
        {
            await using var storage = await TokenVaultServer.OpenStorageAsync(options, time, log: null);
            await using var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, cancellationToken, mayCreate: false);
            return await new AuditOperation(storage, ring).RunAsync(witness, output, cancellationToken);
        }
        catch (Exception e) when (e is StorageUnavailableException or CorruptRecordException)
        {
            throw new StartupException(e.Message, e);
        }
    }
}
