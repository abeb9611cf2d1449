namespace TokenVault.Cli.Setup;

/// <summary>What the person decided, by flags or in the conversation.</summary>
internal sealed record SetupAnswers
{
    public required Flavor Flavor { get; init; }

    /// <summary>The name of an application that is to be made, or was by an earlier run; null with <see cref="ApplicationId"/>.</summary>
    public string? ApplicationName { get; init; }

    /// <summary>An application there is.</summary>
    public string? ApplicationId { get; init; }

    /// <summary>regular_web or non_interactive.</summary>
    public string ApplicationType { get; init; } = "regular_web";

    public IReadOnlyList<string> Callbacks { get; init; } = [];

    public IReadOnlyList<string> LogoutUrls { get; init; } = [];

    /// <summary>Connections there are, by name.</summary>
    public IReadOnlyList<string> Connections { get; init; } = [];

    public NewConnection? NewConnection { get; init; }

    /// <summary>For the exchange of access tokens; null: no API and no client for it.</summary>
    public ApiAnswers? Api { get; init; }

    /// <summary>For the privileged worker.</summary>
    public WorkerAnswers Worker { get; init; } = new();

    /// <summary>Replace the application's secret by a new one, which is then known.</summary>
    public bool RotateSecret { get; init; }

    /// <summary>Where the environment file and a worker's keys go.</summary>
    public required string Folder { get; init; }

    public IEnumerable<string> AllConnections => NewConnection is null ? Connections : Connections.Append(NewConnection.Name).Distinct(StringComparer.Ordinal);
}

/// <summary>A connection that is to be made.</summary>
internal sealed record NewConnection(string Name, string Strategy, string ClientId, string ClientSecret)
{
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Further options, such as <c>authorizationURL</c>.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>What the provider is told to send users back to.</summary>
    public string RedirectUri(string issuer) => $"{issuer}login/callback/{Name}";

    public override string ToString() => Name;
}

/// <summary>An API, and the client by which it exchanges the access tokens that it receives.</summary>
internal sealed record ApiAnswers(string Identifier, string ClientName);

/// <summary>A worker's bounds.</summary>
internal sealed record WorkerAnswers
{
    /// <summary>Null: nobody said, what there is stays. Empty: from anywhere.</summary>
    public IReadOnlyList<string>? IpAllowlist { get; init; }

    /// <summary>Scopes by connection; empty: whatever is enabled, and what there is stays.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Grants { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    public int? UsersPerHour { get; init; }

    /// <summary>Whether the client authenticates by a key, too.</summary>
    public bool AuthenticatesByKey { get; init; } = true;
}
