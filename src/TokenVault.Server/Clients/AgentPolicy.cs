using System.Text.Json.Serialization;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What an agent may have of its users' accounts, whatever they have connected. A member that is absent restricts nothing.</summary>
internal sealed record AgentPolicy
{
    public const int MostConnections = 50;
    public const int MostScopes = 100;
    public const string Required = "required";

    /// <summary>They tell who the user is and reach no data; also in Google's words for them.</summary>
    private static readonly string[] OfIdentity =
    [
        Wire.OpenId, "profile", "email", Wire.OfflineAccess, "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile",
    ];

    /// <summary>What it may reach; null: every connection that is enabled for it. An empty list is nothing.</summary>
    public IReadOnlyList<AgentConnection>? Connections { get; init; }

    /// <summary>In seconds: how long it is told that a token is good for, and how long one is that this server makes. 0: as long as it is.</summary>
    public int MaxLifetime { get; init; }

    /// <summary>required, or null.</summary>
    public string? Approval { get; init; }

    /// <summary>The user is asked each time before a token leaves.</summary>
    [JsonIgnore]
    public bool RequiresApproval => Approval == Required;

    /// <summary>Whether its scopes or its time are limited, so that a provider's refresh token, which knows no limits, is not for it.</summary>
    public bool LimitsTokensOf(string connection) => MaxLifetime > 0 || ScopesAt(connection) is not null;

    public bool Names(string connection) => Connections is null || Of(connection) is not null;

    /// <summary>The most that a token of this connection may be good for; null: whatever was granted.</summary>
    public IReadOnlyList<string>? ScopesAt(string connection) => Of(connection)?.Scopes;

    /// <summary>The first scope that the client may not have its users asked for at a connection; null when it may have all.</summary>
    public string? RefusedAt(string connection, IEnumerable<string> asked) =>
        !Names(connection) ? asked.FirstOrDefault() : ScopesAt(connection) is { } most ? Beyond(asked, most).FirstOrDefault() : null;

    /// <summary>What goes beyond a list of scopes, in order. Scopes of identity never do.</summary>
    public static List<string> Beyond(IEnumerable<string> scopes, IReadOnlyList<string> most) =>
        [.. scopes.Except(most, StringComparer.Ordinal).Except(OfIdentity, StringComparer.Ordinal)];

    private AgentConnection? Of(string connection) =>
        Connections?.FirstOrDefault(item => string.Equals(item.Connection, connection, StringComparison.Ordinal));
}

/// <summary>A connection, by its name, that an agent may reach.</summary>
internal sealed record AgentConnection
{
    public required string Connection { get; init; }

    /// <summary>Null: whatever was granted.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }
}
