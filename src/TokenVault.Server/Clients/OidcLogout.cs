namespace TokenVault.Server.Clients;

/// <summary>How a client is told that a session has ended (OpenID Connect Back-Channel Logout 1.0).</summary>
internal sealed record OidcLogout
{
    /// <summary>None: it is not told.</summary>
    public IReadOnlyList<string> BackchannelLogoutUrls { get; set; } = [];

    /// <summary>Null: of the user's own signing out.</summary>
    public LogoutInitiators? BackchannelLogoutInitiators { get; init; }

    public bool IsToldOf(string cause) =>
        BackchannelLogoutUrls.Count > 0
        && (cause == Users.SessionEndCause.Logout
            || BackchannelLogoutInitiators is { Mode: LogoutInitiators.All }
            || BackchannelLogoutInitiators?.SelectedInitiators.Contains(cause, StringComparer.Ordinal) == true);
}

/// <summary>Of which ends of sessions.</summary>
internal sealed record LogoutInitiators
{
    public const string All = "all";
    public const string Custom = "custom";

    public string Mode { get; set; } = Custom;

    /// <summary>With <see cref="Custom"/>.</summary>
    public IReadOnlyList<string> SelectedInitiators { get; set; } = [];
}
