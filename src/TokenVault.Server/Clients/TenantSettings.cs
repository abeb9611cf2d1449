using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>What holds for all clients. There is one row; in a store of an earlier version perhaps none.</summary>
internal sealed record TenantSettings : IRecord<TenantSettings>
{
    public const string OnlyId = "settings";

    public static string Kind => "tenant-settings";

    public static JsonTypeInfo<TenantSettings> TypeInfo => ClientsJson.Default.TenantSettings;

    public string Id { get; set; } = OnlyId;

    public string? FriendlyName { get; init; }

    public string? PictureUrl { get; init; }

    public string? SupportEmail { get; init; }

    public string? SupportUrl { get; init; }

    /// <summary>Where <c>/v2/logout</c> may lead when it names no client.</summary>
    public IReadOnlyList<string> AllowedLogoutUrls { get; set; } = [];

    /// <summary>Hours; 0: as the operator's configuration says.</summary>
    public int SessionLifetime { get; init; }

    /// <summary>Hours; 0: as the operator's configuration says.</summary>
    public int IdleSessionLifetime { get; init; }

    /// <summary>One of <see cref="Clients.MultiFactorPolicy"/>'s; null for never.</summary>
    public string? MultiFactorPolicy { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    public TenantSettings AtVersion(long version) => this with { Version = version };
}
