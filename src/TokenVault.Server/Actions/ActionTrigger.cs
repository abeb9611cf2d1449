namespace TokenVault.Server.Actions;

/// <summary>When actions are asked, by the names that tools know.</summary>
internal static class ActionTrigger
{
    /// <summary>A user's authorization, before tokens come of it.</summary>
    public const string PostLogin = "post-login";

    /// <summary>An exchange of tokens: the vault's, and RFC 8693's.</summary>
    public const string TokenExchange = "token-exchange";

    /// <summary>A foreign token: whose is it? Asked of the action that the token's profile names; it is bound to nothing else.</summary>
    public const string CustomTokenExchange = "custom-token-exchange";

    public static IReadOnlyList<string> Bindable { get; } = [PostLogin, TokenExchange];

    public static IReadOnlyList<string> All { get; } = [.. Bindable, CustomTokenExchange];

    /// <summary>Of the event that the trigger gives.</summary>
    public static string VersionOf(string trigger) => trigger == PostLogin ? "v3" : "v1";
}
