namespace TokenVault.Server;

/// <summary>What this deployment lets privileged workers do. Where a client says something too, the stricter counts.</summary>
internal sealed class PrivilegedWorkerOptions
{
    public static TimeSpan LongestLife { get; } = TimeSpan.FromHours(1);

    /// <summary>A client without <c>ip_allowlist</c> is not served.</summary>
    public bool RequireIpAllowlist { get; set; }

    /// <summary>A client without <c>grants</c> is not served.</summary>
    public bool RequireGrants { get; set; }

    /// <summary>Whether a worker may be given a provider's refresh token.</summary>
    public bool RefreshTokens { get; set; } = true;

    /// <summary>How old a subject token may be by its <c>iat</c>, whatever its <c>exp</c>.</summary>
    public TimeSpan MaxTokenAge { get; set; } = LongestLife;

    /// <summary>Of one client; 0: without limit.</summary>
    public int RequestsPerMinute { get; set; }

    /// <summary>For how many different users one client may ask within an hour; 0: without limit.</summary>
    public int UsersPerHour { get; set; }
}
