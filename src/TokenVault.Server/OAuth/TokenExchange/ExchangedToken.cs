using TokenVault.Server.Clients;
using TokenVault.Server.Keys;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>What a token says that comes of an exchange.</summary>
internal sealed record ExchangedToken(string UserId, ApiAccess Access, TimeSpan Lifetime, string Type)
{
    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    public Delegation Delegation { get; init; } = Delegation.None;
}
