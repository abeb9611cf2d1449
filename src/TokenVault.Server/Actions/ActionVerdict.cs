using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Actions;

/// <summary>What actions have answered, all of them together.</summary>
internal sealed record ActionVerdict
{
    public static ActionVerdict None { get; } = new();

    public bool IsDenied { get; init; }

    /// <summary>What the client is told of a denial.</summary>
    public string? Reason { get; init; }

    public bool RequiresMultiFactor { get; init; }

    public bool RequiresApproval { get; init; }

    /// <summary>Null: as many as there are.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    public CustomClaims Claims { get; init; } = CustomClaims.None;

    /// <summary>Whose a foreign token is.</summary>
    public string? UserId { get; init; }

    public ActorChain? Actor { get; init; }

    public ActionVerdict And(ActionVerdict next) => new()
    {
        IsDenied = IsDenied || next.IsDenied,
        Reason = Reason ?? next.Reason,
        RequiresMultiFactor = RequiresMultiFactor || next.RequiresMultiFactor,
        RequiresApproval = RequiresApproval || next.RequiresApproval,
        Scopes = next.Scopes is null ? Scopes : next.Narrow(Scopes ?? next.Scopes),
        Claims = Claims.And(next.Claims),
        UserId = next.UserId ?? UserId,
        Actor = next.UserId is null ? Actor : next.Actor,
    };

    /// <summary>Never more than there were.</summary>
    public IReadOnlyList<string> Narrow(IReadOnlyList<string> scopes) => Scopes is null ? scopes : [.. scopes.Intersect(Scopes, StringComparer.Ordinal)];

    /// <summary>Where nobody can be asked.</summary>
    public OAuthError? ApprovalRefusal =>
        RequiresApproval ? OAuthError.ApprovalImpossible() : null;
}
