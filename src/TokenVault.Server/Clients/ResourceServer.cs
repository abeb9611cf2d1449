using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>An API whose access tokens this server issues. Lifetimes are in seconds.</summary>
internal sealed record ResourceServer : IRecord<ResourceServer>
{
    public static string Kind => "resource-server";

    public static JsonTypeInfo<ResourceServer> TypeInfo => ClientsJson.Default.ResourceServer;

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The audience of its access tokens. Cannot be changed.</summary>
    public required string Identifier { get; init; }

    /// <summary>The server's own APIs: they cannot be deleted.</summary>
    public bool IsSystem { get; init; }

    public IReadOnlyList<ApiScope> Scopes { get; set; } = [];

    /// <summary>RS256 or ES256.</summary>
    public string SigningAlg { get; set; } = "RS256";

    public bool AllowOfflineAccess { get; init; }

    public int TokenLifetime { get; set; } = 86_400;

    public int TokenLifetimeForWeb { get; set; } = 7_200;

    public bool SkipConsentForVerifiableFirstPartyClients { get; set; } = true;

    /// <summary>access_token or rfc9068_profile.</summary>
    public string TokenDialect { get; set; } = "access_token";

    public SubjectTypeAuthorization SubjectTypeAuthorization { get; set; } = new();

    /// <summary>Null: its tokens are bound to a key when their client asks for it.</summary>
    public ProofOfPossession? ProofOfPossession { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<ResourceServer>.Keys => [EntityKey.UniqueKey("identifier", Identifier)];

    public ResourceServer AtVersion(long version) => this with { Version = version };
}

internal sealed record ApiScope
{
    public required string Value { get; init; }

    public string? Description { get; init; }
}

/// <summary>Who may get this API's tokens: users through a client, and clients for themselves.</summary>
internal sealed record SubjectTypeAuthorization
{
    /// <summary>allow_all, deny_all or require_client_grant.</summary>
    public SubjectTypePolicy User { get; set; } = new() { Policy = "allow_all" };

    /// <summary>deny_all or require_client_grant.</summary>
    public SubjectTypePolicy Client { get; set; } = new() { Policy = "require_client_grant" };
}

/// <summary>Whether an API's tokens must be bound to a key of their client's.</summary>
internal sealed record ProofOfPossession
{
    public const string Mtls = "mtls";
    public const string Dpop = "dpop";
    public const string OfPublicClients = "public_clients";
    public const string OfAllClients = "all_clients";

    /// <summary>mtls or dpop.</summary>
    public required string Mechanism { get; init; }

    public bool Required { get; init; }

    /// <summary>public_clients or all_clients.</summary>
    public string RequiredFor { get; set; } = OfAllClients;

    public bool IsRequiredOf(Client client) => Required && (client.IsPublic || RequiredFor == OfAllClients);
}

internal sealed record SubjectTypePolicy
{
    public required string Policy { get; init; }
}
