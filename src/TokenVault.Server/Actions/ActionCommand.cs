namespace TokenVault.Server.Actions;

/// <summary>What an action can answer, by its name on the wire.</summary>
internal static class ActionCommand
{
    public const string Deny = "deny";
    public const string RequireMultiFactor = "require_mfa";
    public const string RequireApproval = "require_approval";
    public const string SetClaims = "set_claims";
    public const string NarrowScopes = "narrow_scopes";
    public const string SetUser = "set_user";

    /// <summary>Where tokens of this server's are issued.</summary>
    public static IReadOnlyList<string> OfIssue { get; } = [Deny, RequireMultiFactor, RequireApproval, SetClaims, NarrowScopes];

    /// <summary>A provider's token takes no claims.</summary>
    public static IReadOnlyList<string> OfVault { get; } = [Deny, RequireMultiFactor, RequireApproval, NarrowScopes];

    public static IReadOnlyList<string> OfForeignToken { get; } = [Deny, SetUser];
}
