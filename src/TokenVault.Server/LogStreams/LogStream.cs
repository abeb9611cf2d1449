using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.LogStreams;

/// <summary>Where log entries are sent to, besides being kept.</summary>
internal sealed record LogStream : ISealed<LogStream>
{
    public const string Active = "active";
    public const string Paused = "paused";
    public const string Suspended = "suspended";

    public static string Kind => "log-stream";

    public static JsonTypeInfo<LogStream> TypeInfo => LogStreamsJson.Default.LogStream;

    public static IReadOnlyList<SealedField<LogStream>> SealedFields { get; } =
    [
        new(nameof(SealedAuthorization), stream => stream.SealedAuthorization, stream => AadOf("authorization", stream.Id)),
        new(nameof(SealedSecret), stream => stream.SealedSecret, stream => AadOf("secret", stream.Id)),
    ];

    public required string Id { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    public required string Name { get; init; }

    public required string Status { get; init; }

    public required string Endpoint { get; init; }

    public required string ContentType { get; init; }

    /// <summary><c>JSONLINES</c> or <c>JSONARRAY</c>.</summary>
    public required string ContentFormat { get; init; }

    /// <summary>Categories of <see cref="LogCategory"/>; none: everything.</summary>
    public required IReadOnlyList<string> Filters { get; init; }

    /// <summary>The receiver's <c>Authorization</c> header.</summary>
    public byte[]? SealedAuthorization { get; init; }

    /// <summary>What deliveries are signed with.</summary>
    public byte[]? SealedSecret { get; init; }

    public LogStream AtVersion(long version) => this with { Version = version };

    /// <param name="value">Which of a stream's secrets.</param>
    public static byte[] AadOf(string value, string id) => Aad.For("log_stream_" + value, id);
}

/// <summary>How far a stream has come: written with every delivery, so that it goes on there, on any node.</summary>
internal sealed record LogStreamState : IRecord<LogStreamState>
{
    public static string Kind => "log-stream-state";

    public static JsonTypeInfo<LogStreamState> TypeInfo => LogStreamsJson.Default.LogStreamState;

    /// <summary>The stream's.</summary>
    public required string Id { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>The last row that the receiver has accepted, or that was not for it.</summary>
    public required long Sequence { get; init; }

    public int Failures { get; init; }

    public DateTimeOffset? FailingSince { get; init; }

    public DateTimeOffset? NextAttemptAt { get; init; }

    public LogStreamState AtVersion(long version) => this with { Version = version };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LogStream))]
[JsonSerializable(typeof(LogStreamState))]
internal sealed partial class LogStreamsJson : JsonSerializerContext;
