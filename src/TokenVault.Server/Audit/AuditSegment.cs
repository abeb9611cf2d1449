using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>A stretch of the chain: which rows it has, and the link of each. It is full at <see cref="Capacity"/> and never changes after.</summary>
internal sealed record AuditSegment : IRecord<AuditSegment>
{
    public const int Capacity = 256;

    public static string Kind => "audit-segment";

    public static JsonTypeInfo<AuditSegment> TypeInfo => AuditChainJson.Default.AuditSegment;

    /// <summary>From 1 on, without a gap.</summary>
    public required long Number { get; init; }

    public string Id => NameOf(Number);

    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>The link before the first row, in base64; empty at the very beginning.</summary>
    public required string Before { get; init; }

    /// <summary>The rows' sequence numbers, ascending. The numbers between them were never given to a row.</summary>
    public required IReadOnlyList<long> Sequences { get; init; }

    /// <summary>The rows' links, one after the other, in base64.</summary>
    public required string Links { get; init; }

    /// <summary>When the youngest row was made.</summary>
    public required DateTimeOffset NewestAt { get; init; }

    /// <summary>Over all of the above.</summary>
    public string Mac { get; set; } = "";

    [JsonIgnore]
    public long Last => Sequences.Count == 0 ? 0 : Sequences[^1];

    [JsonIgnore]
    public string LastLink
    {
        get
        {
            var links = Convert.FromBase64String(Links);
            return links.Length < AuditSeal.LinkLength ? Before : Convert.ToBase64String(links.AsSpan(links.Length - AuditSeal.LinkLength));
        }
    }

    public static string NameOf(long number) => number.ToString("D16", CultureInfo.InvariantCulture);

    public AuditSegment AtVersion(long version) => this with { Version = version };

    public AuditSegment Signed(KeyRing ring) => this with { Mac = MacBy(ring) };

    public bool IsGenuine(KeyRing ring) => Mac == MacBy(ring);

    private string MacBy(KeyRing ring) =>
        Convert.ToBase64String(ring.Mac("audit-segment", JsonSerializer.SerializeToUtf8Bytes(this with { Mac = "" }, TypeInfo)));
}

/// <summary>Where the chain begins and ends now; it changes in the commit that lengthens or shortens the chain.</summary>
internal sealed record AuditHead : IRecord<AuditHead>
{
    public const string TheId = "head";

    public static string Kind => "audit-head";

    public static JsonTypeInfo<AuditHead> TypeInfo => AuditChainJson.Default.AuditHead;

    public string Id => TheId;

    [JsonIgnore]
    public long Version { get; init; }

    public required DateTimeOffset BegunAt { get; init; }

    /// <summary>The first segment that is kept.</summary>
    public required long FirstSegment { get; init; }

    /// <summary>The link and the number of the last row before it: what retention has removed.</summary>
    public required string Floor { get; init; }

    public required long FloorSequence { get; init; }

    public required long LastSegment { get; init; }

    public required long LastSequence { get; init; }

    public required string LastLink { get; init; }

    /// <summary>Rows up to here may lack a seal: they were there before the chain was.</summary>
    public required long AdoptedThrough { get; init; }

    public string Mac { get; set; } = "";

    public AuditHead AtVersion(long version) => this with { Version = version };

    public AuditHead Signed(KeyRing ring) => this with { Mac = MacBy(ring) };

    public bool IsGenuine(KeyRing ring) => Mac == MacBy(ring);

    /// <summary>As it stands in a log stream, and as <c>audit verify --head</c> takes it.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{LastSequence}:{Convert.ToHexStringLower(Convert.FromBase64String(LastLink))}");

    private string MacBy(KeyRing ring) =>
        Convert.ToBase64String(ring.Mac("audit-head", JsonSerializer.SerializeToUtf8Bytes(this with { Mac = "" }, TypeInfo)));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditSegment))]
[JsonSerializable(typeof(AuditHead))]
internal sealed partial class AuditChainJson : JsonSerializerContext;
