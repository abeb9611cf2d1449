namespace TokenVault.Server.Clients;

/// <summary>What makes a client a privileged worker: it may ask for a provider's token for a user who is not present, within these bounds.</summary>
internal sealed record PrivilegedAccess
{
    public const int MostAddresses = 10;
    public const int MostGrants = 5;
    public const int MostScopes = 20;

    /// <summary>The ids of the credentials that its subject tokens are signed with.</summary>
    public IReadOnlyList<string> Credentials { get; set; } = [];

    /// <summary>Where it may call from; null: from anywhere. An empty list is nowhere, and not anywhere (T-PW-06).</summary>
    public IReadOnlyList<string>? IpAllowlist { get; init; }

    /// <summary>What it may reach; null: every connection that is enabled for it. An empty list is nothing.</summary>
    public IReadOnlyList<PrivilegedGrant>? Grants { get; init; }

    /// <summary>0: as many as the deployment allows.</summary>
    public int RequestsPerMinute { get; init; }

    /// <summary>For how many different users it may ask within an hour. 0: as many as the deployment allows.</summary>
    public int UsersPerHour { get; init; }
}

/// <summary>A connection, by its name, that a worker may reach, and the most that a token which it is given may be good for.</summary>
internal sealed record PrivilegedGrant
{
    public required string Connection { get; init; }

    public IReadOnlyList<string> Scopes { get; set; } = [];
}
