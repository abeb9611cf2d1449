using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server;

/// <summary>
/// <c>tokenvault-server revoke</c>: withdraws grants in bulk, beside running servers: on PostgreSQL as one more node, on SQLite through the
/// server that holds the file.
/// </summary>
internal static class RevokeCommand
{
    public const string Usage =
        """
        usage: tokenvault-server revoke --client <client_id>         every account at the connections that are enabled for the client
               tokenvault-server revoke --connection <name or id>    every account at the connection
               tokenvault-server revoke --user <user_id>             every account of the user
               tokenvault-server revoke --all                        every account
        """;

    /// <param name="args">After <c>revoke</c>.</param>
    /// <param name="output">What the operator sees.</param>
    /// <param name="configuration">Null: the server's own settings, from the environment and appsettings.json.</param>
    /// <param name="time">Null: the system's.</param>
    /// <param name="cancellationToken">Stops it; what is disconnected stays so.</param>
    public static async Task<int> RunAsync(
        string[] args, TextWriter output, IConfiguration? configuration = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        if (RevokeScope.Parse(["revoke", .. args]) is not { } scope)
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }

        var options = CommandOptions.Read(configuration);
        if (options.Storage.ConnectionString is null
            && await ControlClient.TryAsync(options.DataDirectory, scope.ToString(), output, cancellationToken) is { } code)
        {
            return code;
        }

        CommandOptions.RequireDatabase(options);
        try
        {
            return await RunHereAsync(scope, output, options, time ?? TimeProvider.System, cancellationToken);
        }
        catch (Exception e) when (e is StorageUnavailableException or CommitOutcomeUnknownException or CorruptRecordException)
        {
            throw new StartupException($"{e.Message} What was disconnected stays so; say it again.", e);
        }
    }

    /// <summary>With the service that asks the providers, which takes turns with those of running servers.</summary>
    private static async Task<int> RunHereAsync(
        RevokeScope scope, TextWriter output, TokenVaultOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var storage = await TokenVaultServer.OpenStorageAsync(options, time, log: null);
        await using var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, cancellationToken, mayCreate: false);
        using var cache = new RecordCache(storage);
        var audit = new AuditLog(ring, time);
        var sealer = new TokensetSealer(ring);
        var keeping = new RefreshKeeping(storage, sealer, ring, NullLogger<RefreshKeeping>.Instance);
        var outbox = new RevocationOutbox(ring, time);
        var provider = ProviderClient.Create(ProviderCatalog.Load(), new EgressGuard(options, time), ring, options, time);
        var attempt = new RevocationAttempt(storage, outbox, keeping, provider, audit, time);
        using var service = new RevocationService(storage, attempt, time, NullLogger<RevocationService>.Instance);
        await service.StartAsync(cancellationToken);
        try
        {
            var removal = new AccountRemoval(storage, cache, sealer, keeping, outbox, audit);
            return await new RevokeOperation(storage, removal, audit, NullLogger<RevokeOperation>.Instance).RunAsync(scope, output, cancellationToken);
        }
        finally
        {
            await service.StopAsync(CancellationToken.None);
        }
    }
}
