using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>A user's account at a provider, connected to the vault. Its tokens are in a tokenset of their own.</summary>
internal sealed record ConnectedAccount : IRecord<ConnectedAccount>
{
    public static string Kind => "connected-account";

    public static JsonTypeInfo<ConnectedAccount> TypeInfo => AccountsJson.Default.ConnectedAccount;

    /// <summary><c>cac_…</c></summary>
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string ConnectionId { get; init; }

    /// <summary>The connection's name, which cannot change.</summary>
    public required string Connection { get; init; }

    public required string Strategy { get; init; }

    public required string TokensetId { get; init; }

    public IReadOnlyList<string> Scopes { get; set; } = [];

    public DateTimeOffset CreatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<ConnectedAccount>.Keys =>
        [EntityKey.Index("user", UserId), EntityKey.Index("connection", ConnectionId), EntityKey.Index("account", Id)];

    public ConnectedAccount AtVersion(long version) => this with { Version = version };
}
