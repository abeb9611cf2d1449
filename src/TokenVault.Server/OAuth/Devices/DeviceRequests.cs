using System.Security.Cryptography;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>The devices that wait, found by either code; and as the request that a page serves.</summary>
internal sealed class DeviceRequests(IStorage storage, KeyRing ring, TimeProvider time)
{
    /// <summary>Before the name of a device's request where a page carries an authorization request: no browser's query begins so.</summary>
    private const string QueryPrefix = "device:";

    /// <summary>No vowels, so no words; no letters that look like others (RFC 8628 §6.1): 34 bits, for a quarter of an hour.</summary>
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    private const int CodeLength = 8;
    private const int FirstInterval = 5;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    public static bool IsDevice(string query) => query.StartsWith(QueryPrefix, StringComparison.Ordinal);

    public static string QueryOf(DeviceRequest request) => QueryPrefix + request.Id;

    /// <returns>The device code, the user code and how often to ask.</returns>
    public async Task<(Secret DeviceCode, string UserCode, int Interval)> BeginAsync(Client client, string? audience, IReadOnlyList<string> scopes)
    {
        while (true)
        {
            var (deviceCode, userCode) = (new Secret(Identifier.Secret()), RandomNumberGenerator.GetString(Letters, CodeLength));
            var now = time.GetUtcNow();
            var inserted = await storage.CommitAsync(new Batch().Insert(new DeviceRequest
            {
                Id = Identifier.Hash(deviceCode.Reveal()),
                UserCodeHash = HashOf(userCode),
                ClientId = client.ClientId,
                Audience = audience,
                Scopes = scopes,
                Interval = FirstInterval,
                ValidUntil = now + Lifetime,
                ForgottenAt = now + Memory,
            }));
            if (inserted.Committed)
            {
                return (deviceCode, Spelled(userCode), FirstInterval);
            }
        }
    }

    public ValueTask<DeviceRequest?> FindAsync(string deviceCode, CancellationToken cancellationToken) =>
        storage.FindAsync<DeviceRequest>(Identifier.Hash(deviceCode), cancellationToken);

    /// <summary>One that still waits, by the code that its user reads; case and what separates the letters do not count (RFC 8628 §6.1).</summary>
    public async ValueTask<DeviceRequest?> FindWaitingAsync(string userCode, CancellationToken cancellationToken) =>
        Plain(userCode) is { } plain ? Waiting(await storage.FindByKeyAsync<DeviceRequest>("user-code", HashOf(plain), cancellationToken)) : null;

    /// <summary>One that still waits, as a page names it.</summary>
    public async ValueTask<DeviceRequest?> FindByQueryAsync(string query, CancellationToken cancellationToken) =>
        IsDevice(query) ? Waiting(await storage.FindAsync<DeviceRequest>(query[QueryPrefix.Length..], cancellationToken)) : null;

    /// <summary>As it is shown; null when it cannot be a code.</summary>
    public static string? Shown(string? userCode) => userCode is not null && Plain(userCode) is { } plain ? Spelled(plain) : null;

    private static string? Plain(string userCode)
    {
        if (userCode.Length > 64)
        {
            return null;
        }

        var plain = new string([.. userCode.ToUpperInvariant().Where(char.IsAsciiLetterUpper)]);
        return plain.Length == CodeLength && plain.All(Letters.Contains) ? plain : null;
    }

    private static string Spelled(string plain) => $"{plain[..4]}-{plain[4..]}";

    private DeviceRequest? Waiting(DeviceRequest? request) =>
        request is { State: DeviceState.Pending } && request.ValidUntil > time.GetUtcNow() ? request : null;

    private string HashOf(string userCode) => ring.HashSecret("device " + userCode);
}
