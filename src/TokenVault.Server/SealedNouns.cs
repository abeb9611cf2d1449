using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.LogStreams;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server;

/// <summary>Every noun that holds sealed values. A stored record with a sealed member that is missing here fails the convention tests.</summary>
internal static class SealedNouns
{
    public static IReadOnlyList<SealedNoun> All { get; } =
    [
        SealedNoun.Of<Pepper>(),
        SealedNoun.Of<SigningKey>(),
        SealedNoun.Of<Connection>(),
        SealedNoun.Of<Tokenset>(),
        SealedNoun.Of<RefreshSpare>(),
        SealedNoun.Of<RefreshReceipt>(),
        SealedNoun.Of<PendingRevocation>(),
        SealedNoun.Of<ConnectRequest>(),
        SealedNoun.Of<HeldGrant>(),
        SealedNoun.Of<LogStream>(),
        SealedNoun.Of<UserFactors>(),
        SealedNoun.Of<PushedRequest>(),
    ];
}
