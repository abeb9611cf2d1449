using TokenVault.Server.Keys;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>Whom a subject token speaks for, and what it is good for still.</summary>
/// <param name="ExpiresAt">Null: the token is not ours, and its end binds nobody here.</param>
internal sealed record DelegationSubject(string UserId, DateTimeOffset? ExpiresAt)
{
    /// <summary>The client that the token was issued to; null: it is not ours.</summary>
    public string? ClientId { get; init; }

    /// <summary>The API that the token is for; null: none.</summary>
    public string? Audience { get; init; }

    /// <summary>The API that the caller stands for was called with it.</summary>
    public bool IsForCallersApi { get; init; }

    /// <summary>Null: nothing in the token limits them, for who it is was decided by an action.</summary>
    public IReadOnlyList<string>? Scopes { get; init; } = [];

    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    public Delegation Delegation { get; init; } = Delegation.None;
}
