using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary>A provider as this deployment uses it: the catalogue entry named by the strategy, with the operator's settings over it.</summary>
internal sealed record Connection : ISealed<Connection>
{
    /// <summary>The index, with the connection's id, of rows that go when the connection goes.</summary>
    public const string OwnerIndex = "connection";

    public const string DatabaseStrategy = "auth0";

    public static string Kind => "connection";

    public static JsonTypeInfo<Connection> TypeInfo => ConnectionsJson.Default.Connection;

    public static IReadOnlyList<SealedField<Connection>> SealedFields { get; } =
    [
        new(ConnectionSecret.Path, ConnectionSecret.BlobOf, ConnectionSecret.AadOf),
        new($"{nameof(Key)}.{nameof(ConnectionKey.SealedPrivateKey)}", c => c.Key?.SealedPrivateKey, c => c.Key!.Identity(c.Id)),
        new($"{nameof(NextKey)}.{nameof(ConnectionKey.SealedPrivateKey)}", c => c.NextKey?.SealedPrivateKey, c => c.NextKey!.Identity(c.Id)),
    ];

    public static bool IsKeptInMemory => true;

    public required string Id { get; init; }

    /// <summary>Unique; what the exchange calls it. Cannot be changed.</summary>
    public required string Name { get; init; }

    public string? DisplayName { get; init; }

    /// <summary>The catalogue entry (<c>google-oauth2</c>, <c>oauth2</c>, …), or <c>auth0</c> for the local users' connection.</summary>
    public required string Strategy { get; init; }

    public ConnectionOptions Options { get; set; } = new();

    /// <summary>What signs the assertions that prove us to the provider, where that takes no secret.</summary>
    public ConnectionKey? Key { get; init; }

    /// <summary>What will sign them after the next rotation.</summary>
    public ConnectionKey? NextKey { get; init; }

    public bool ShowAsButton { get; set; } = true;

    public IReadOnlyList<string> EnabledClients { get; set; } = [];

    /// <summary>Whether users may sign in through it.</summary>
    public bool AuthenticationActive { get; init; }

    /// <summary>Whether users may connect accounts of it to the vault.</summary>
    public bool ConnectedAccountsActive { get; init; }

    /// <summary>Null: tokens leave the vault without the user being asked each time.</summary>
    public ConnectionApproval? Approval { get; init; }

    public JsonObject? Metadata { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The connection of local users: there is no provider behind it.</summary>
    [JsonIgnore]
    public bool IsDatabase => string.Equals(Strategy, DatabaseStrategy, StringComparison.Ordinal);

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<Connection>.Keys => [EntityKey.UniqueKey("name", Name), EntityKey.Index("strategy", Strategy)];

    public Connection AtVersion(long version) => this with { Version = version };

    /// <summary>As much as a revocation needs of it, to be kept beside the token.</summary>
    public Connection ForRevocation() => this with
    {
        Metadata = null,
        EnabledClients = [],
        Options = Options with { UpstreamParams = null },
        Key = Key is null ? null : Key with { Certificate = "" },
        NextKey = null,
    };

    /// <summary>The sealed values of a record that keeps a connection as it was.</summary>
    public static IEnumerable<SealedField<T>> SealedFieldsIn<T>(string property, Func<T, Connection> of)
        where T : class => SealedFields.Select(field => new SealedField<T>($"{property}.{field.Path}", kept => field.Blob(of(kept)), kept => field.Aad(of(kept))));

    /// <summary>The redirect URI at the provider; one for each connection, so that answers cannot be mixed up (T-CF-06).</summary>
    public string CallbackUrl(string issuer) => $"{issuer}login/callback/{Uri.EscapeDataString(Name)}";

    /// <summary>What people call it.</summary>
    [JsonIgnore]
    public string Label => DisplayName ?? Name;

    /// <summary>Whether a scope may be asked for that the connection is not configured with (T-CF-10).</summary>
    public bool MayAskFor(string scope) =>
        Options.AllowedScopes is not { } allowed
        || allowed.Contains(scope, StringComparer.Ordinal)
        || Options.Scope?.Contains(scope, StringComparer.Ordinal) == true;

    public bool IsEnabledFor(string clientId) => EnabledClients.Contains(clientId, StringComparer.Ordinal);
}

/// <summary>What the operator set. Null means: as the catalogue entry says.</summary>
internal sealed record ConnectionOptions
{
    public string? ClientId { get; init; }

    /// <summary>The client secret at the provider, sealed; bound to the connection's id (see <c>ConnectionSecret</c>).</summary>
    public byte[]? SealedClientSecret { get; init; }

    /// <summary>Scopes always asked for.</summary>
    public IReadOnlyList<string>? Scope { get; init; }

    /// <summary>Which scopes applications may ask for besides; null: any.</summary>
    public IReadOnlyList<string>? AllowedScopes { get; init; }

    /// <summary>Whom the provider may name: values that claims of the id_token, or of the userinfo answer, must have one of.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? RequiredClaims { get; init; }

    /// <summary>When a sign-in writes the provider's profile over the user's own; null: at each.</summary>
    public ProfileSync? SetUserRootAttributes { get; init; }

    public string? AuthorizationUrl { get; init; }

    public string? TokenUrl { get; init; }

    public string? UserInfoUrl { get; init; }

    public string? RevocationUrl { get; init; }

    /// <summary>With strategy <c>oidc</c>: where the provider's metadata is, or its issuer to derive that from.</summary>
    public string? DiscoveryUrl { get; init; }

    public string? Issuer { get; init; }

    /// <summary>Kept for tools that compare it; the keys are where the provider's metadata says.</summary>
    public string? JwksUri { get; init; }

    /// <summary>client_secret_post, client_secret_basic or private_key_jwt.</summary>
    public string? TokenEndpointAuthMethod { get; init; }

    /// <summary>With private_key_jwt: what the keys are for.</summary>
    public string? TokenEndpointAuthSigningAlg { get; init; }

    /// <summary>What becomes of a used refresh token at this provider.</summary>
    public RotationClass? RotationClass { get; init; }

    /// <summary>How the provider narrows a token.</summary>
    public Downscope? Downscope { get; init; }

    /// <summary>Whether to send PKCE to the provider.</summary>
    public bool? Pkce { get; init; }

    /// <summary>Values for the <see cref="Provider.Variables"/> of the catalogue entry.</summary>
    public IReadOnlyDictionary<string, string>? Variables { get; init; }

    /// <summary>Static and aliased parameters of the authorization request: <c>{"p":{"value":"v"}}</c> or <c>{"p":{"alias":"login_hint"}}</c>.</summary>
    public JsonObject? UpstreamParams { get; init; }
}

/// <summary>As Auth0's <c>set_user_root_attributes</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProfileSync>))]
internal enum ProfileSync
{
    [JsonStringEnumMemberName("on_each_login")]
    OnEachLogin,

    /// <summary>When the user is created, and never after.</summary>
    [JsonStringEnumMemberName("on_first_login")]
    OnFirstLogin,

    /// <summary>Users are not created by signing in, either.</summary>
    [JsonStringEnumMemberName("never_on_login")]
    NeverOnLogin,
}
