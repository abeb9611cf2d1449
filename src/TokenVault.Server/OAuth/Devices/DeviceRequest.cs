using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>
/// A device that waits for its user (RFC 8628). Of both codes only hashes are kept; the user code's has a key, for it is short enough to
/// be tried out.
/// </summary>
internal sealed record DeviceRequest : IRecord<DeviceRequest>
{
    public static string Kind => "device-request";

    public static JsonTypeInfo<DeviceRequest> TypeInfo => OAuthJson.Default.DeviceRequest;

    /// <summary>Hash of the device code.</summary>
    public required string Id { get; init; }

    public required string UserCodeHash { get; init; }

    public required string ClientId { get; init; }

    public string? Audience { get; init; }

    /// <summary>Asked for; once approved, those that the user was shown.</summary>
    public IReadOnlyList<string> Scopes { get; set; } = [];

    public DeviceState State { get; init; }

    /// <summary>Who has approved it.</summary>
    public string? UserId { get; init; }

    public string? SessionId { get; init; }

    public DateTimeOffset AuthenticatedAt { get; init; }

    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; set; } = [];

    /// <summary>Seconds that the device has to let pass between two questions; grows with each that came too soon.</summary>
    public int Interval { get; init; }

    public DateTimeOffset? LastAskedAt { get; init; }

    public DateTimeOffset ValidUntil { get; init; }

    /// <summary>A while longer it is known, so that the device is told that its time is over, and not that there is no such code.</summary>
    public DateTimeOffset ForgottenAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<DeviceRequest>.ExpiresAt => ForgottenAt;

    IEnumerable<EntityKey> IRecord<DeviceRequest>.Keys
    {
        get
        {
            yield return EntityKey.UniqueKey("user-code", UserCodeHash);
            yield return EntityKey.Index("client", ClientId);
            if (UserId is not null)
            {
                yield return EntityKey.Index("user", UserId);
            }
        }
    }

    public DeviceRequest AtVersion(long version) => this with { Version = version };
}

[JsonConverter(typeof(JsonStringEnumConverter<DeviceState>))]
internal enum DeviceState
{
    Pending,
    Approved,
    Denied,
}
