using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>The last failure of an unknown client that the log was spared, of each network: one row, however many there are.</summary>
internal sealed record UntracedFailure : IRecord<UntracedFailure>
{
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    public static string Kind => "untraced-failure";

    public static JsonTypeInfo<UntracedFailure> TypeInfo => ClientsJson.Default.UntracedFailure;

    public required string Id { get; init; }

    public required string Network { get; init; }

    public DateTimeOffset At { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<UntracedFailure>.ExpiresAt => At + Memory;

    public static UntracedFailure Of(string network, DateTimeOffset at) => new() { Id = Identifier.Hash(network), Network = network, At = at };

    public UntracedFailure AtVersion(long version) => this with { Version = version };
}
