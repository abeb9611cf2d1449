using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server;

/// <summary>
/// <c>tokenvault-server restored</c>: ends everything that this server has issued, after a backup was put back. What was revoked since the
/// backup lives in it, and nobody knows any more what that was (F-24). Connected accounts stay; users sign in again.
/// </summary>
internal static class RestoredCommand
{
    public const string Usage = "usage: tokenvault-server restored";

    private const int ChunkSize = 500;

    private static readonly (string Kind, string Name)[] Issued =
    [
        (Session.Kind, "sign-in sessions"),
        (AuthorizationCode.Kind, "authorization codes"),
        (RefreshToken.Kind, "refresh tokens"),
        (PushedRequest.Kind, "pushed authorization requests"),
        (DeviceRequest.Kind, "devices that wait for their user"),
        (ConnectRequest.Kind, "connects under way"),
    ];

    public static async Task<int> RunAsync(
        string[] args, TextWriter output, IConfiguration? configuration = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        if (args.Length > 0)
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }

        var options = CommandOptions.Read(configuration);
        CommandOptions.RequireDatabase(options);
        time ??= TimeProvider.System;
        await using var storage = await TokenVaultServer.OpenStorageAsync(options, time, log: null);
        await using var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, cancellationToken, mayCreate: false);

        try
        {
            await EndAsync(storage, ring, output, time, cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is StorageUnavailableException or CommitOutcomeUnknownException or CorruptRecordException)
        {
            throw new StartupException($"{e.Message} What was ended is ended; say it again.", e);
        }
    }

    private static async Task EndAsync(IStorage storage, KeyRing ring, TextWriter output, TimeProvider time, CancellationToken cancellationToken)
    {
        // First of all, so that a run that is broken off has left its trace.
        var audit = new AuditLog(ring, time);
        await storage.CommitAsync(new Batch().Append(audit.Row(new AuditEvent
        {
            Type = AuditType.ManagementWrite,
            Description = "Restored from a backup: end everything issued",
        })));
        foreach (var (kind, name) in Issued)
        {
            await output.WriteLineAsync($"  ended {ProgressLines.Count(await RemoveAsync(storage, kind, cancellationToken))} {name}");
        }

        await using var keys = await SigningKeys.OpenAsync(storage, ring, algorithm => algorithm.NewKey(), time, cancellationToken);
        await output.WriteLineAsync($"  withdrew {await keys.ReplaceAllAsync(cancellationToken)} signing keys: no access token or ID token issued so far verifies any more");
        await output.WriteLineAsync("Users sign in again; the accounts they connected are still connected.");
    }

    private static async Task<long> RemoveAsync(IStorage storage, string kind, CancellationToken cancellationToken)
    {
        var removed = 0L;
        while (await storage.ListAsync(new ListQuery(kind) { Take = ChunkSize }, cancellationToken) is { Count: > 0 } rows)
        {
            var batch = new Batch();
            foreach (var row in rows)
            {
                batch.Add(new DeleteOperation(kind, row.Id, row.Version));
            }

            // A row that a server beside this has just changed is found by the next list.
            removed += (await storage.CommitAsync(batch)).Committed ? rows.Count : 0;
        }

        return removed;
    }
}
