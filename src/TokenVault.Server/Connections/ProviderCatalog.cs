using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>The providers that the server knows, read from the embedded <c>providers.json</c> and checked as a whole.</summary>
internal sealed class ProviderCatalog
{
    private readonly FrozenDictionary<string, Provider> _byStrategy;

    private ProviderCatalog(IReadOnlyList<Provider> all)
    {
        All = all;
        _byStrategy = all.ToFrozenDictionary(p => p.Strategy, StringComparer.Ordinal);
    }

    public IEnumerable<Provider> All { get; }

    /// <exception cref="InvalidDataException">The embedded catalogue is broken; every fault is named.</exception>
    public static ProviderCatalog Load()
    {
        using var stream = typeof(ProviderCatalog).Assembly.GetManifestResourceStream("providers.json")
            ?? throw new InvalidDataException("providers.json is not embedded.");
        return Read(stream);
    }

    /// <exception cref="InvalidDataException">The catalogue is broken; every fault is named.</exception>
    public static ProviderCatalog Read(Stream json)
    {
        IReadOnlyList<Provider> providers;
        try
        {
            providers = JsonSerializer.Deserialize(json, ProvidersJson.Default.IReadOnlyListProvider) ?? [];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The provider catalogue does not have its form: {e.Message}", e);
        }

        var problems = ProviderCheck.Problems(providers);
        return problems.Count == 0 ? new ProviderCatalog(providers) : throw new InvalidDataException(string.Join("; ", problems));
    }

    public Provider? Find(string strategy) => _byStrategy.GetValueOrDefault(strategy);
}

/// <summary>The catalogue's form on disk: a member that no reader knows is a slip of the pen, not an extension.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    MaxDepth = 16,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<Provider>))]
internal sealed partial class ProvidersJson : JsonSerializerContext;
