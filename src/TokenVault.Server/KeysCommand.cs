using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server;

/// <summary>
/// <c>tokenvault-server keys</c>: shows, rotates, re-wraps and verifies the keys of the store that the settings name, beside running
/// servers: on PostgreSQL as one more node, on SQLite through the server that holds the file.
/// </summary>
internal static class KeysCommand
{
    public const string Usage =
        """
        usage: tokenvault-server keys list             the vault keys, and how many values are under each; the signing keys
               tokenvault-server keys rotate           a new vault key; what is under older ones is re-wrapped in the background
               tokenvault-server keys rotate --root    all vault keys under the root key that took its predecessor's place
               tokenvault-server keys rewrap           re-wraps what is under older vault keys, or shows how far a server is with it
               tokenvault-server keys verify           opens everything that is sealed, and names what does not open
        """;

    /// <param name="args">After <c>keys</c>.</param>
    /// <param name="output">What the operator sees.</param>
    /// <param name="configuration">Null: the server's own settings, from the environment and appsettings.json.</param>
    /// <param name="time">Null: the system's.</param>
    /// <param name="cancellationToken">Stops long work, which can be taken up again.</param>
    public static async Task<int> RunAsync(
        string[] args, TextWriter output, IConfiguration? configuration = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        if (KeysVerbs.Parse(args) is not { } verb)
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }

        var options = CommandOptions.Read(configuration);
        if (options.Storage.ConnectionString is null
            && await ControlClient.TryAsync(options.DataDirectory, KeysVerbs.Write(verb), output, cancellationToken) is { } code)
        {
            return code;
        }

        CommandOptions.RequireDatabase(options);
        return await RunHereAsync(verb, output, options, time ?? TimeProvider.System, cancellationToken);
    }

    private static async Task<int> RunHereAsync(
        KeysVerb verb, TextWriter output, TokenVaultOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await using var storage = await TokenVaultServer.OpenStorageAsync(options, time, log: null);
            await using var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, cancellationToken, mayCreate: false);
            var audit = new AuditLog(ring, time);
            var rotation = new KeyRotation(storage, ring, options.RootKeys, audit, time);
            var rewrap = new KeyRewrap(storage, ring, SealedNouns.All, audit, time, NullLogger<KeyRewrap>.Instance);
            return await new KeysOperation(storage, ring, rotation, rewrap, SealedNouns.All).RunAsync(verb, output, cancellationToken);
        }
        catch (Exception e) when (e is StorageUnavailableException or CommitOutcomeUnknownException or CorruptRecordException)
        {
            throw new StartupException($"{e.Message} What was done is kept; say it again.", e);
        }
    }
}
