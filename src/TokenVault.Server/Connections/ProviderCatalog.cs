using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>The providers that the server knows, read from the embedded <c>Providers/*.json</c> and checked as a whole.</summary>
internal sealed class ProviderCatalog
{
    private const string Folder = "providers/";

    private readonly FrozenDictionary<string, Provider> _byStrategy;

    private ProviderCatalog(IReadOnlyList<Provider> all)
    {
        All = all;
        _byStrategy = all.ToFrozenDictionary(p => p.Strategy, StringComparer.Ordinal);
    }

    /// <summary>By strategy.</summary>
    public IEnumerable<Provider> All { get; }

    /// <exception cref="InvalidDataException">The embedded catalogue is broken; every fault is named.</exception>
    public static ProviderCatalog Load()
    {
        var assembly = typeof(ProviderCatalog).Assembly;
        var files = assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        return Read(files.Select(name => (name[Folder.Length..], assembly.GetManifestResourceStream(name)!)));
    }

    /// <exception cref="InvalidDataException">The catalogue is broken; every fault is named.</exception>
    public static ProviderCatalog Read(IEnumerable<(string File, Stream Json)> files)
    {
        var providers = new List<Provider>();
        var problems = new List<string>();
        foreach (var (file, json) in files)
        {
            using (json)
            {
                ReadOne(file, json, providers, problems);
            }
        }

        problems.AddRange(ProviderCheck.Problems(providers));
        return problems.Count == 0 ? new ProviderCatalog(providers) : throw new InvalidDataException("The provider catalogue: " + string.Join("; ", problems));
    }

    public Provider? Find(string strategy) => _byStrategy.GetValueOrDefault(strategy);

    private static void ReadOne(string file, Stream json, List<Provider> providers, List<string> problems)
    {
        try
        {
            var provider = JsonSerializer.Deserialize(json, ProvidersJson.Default.Provider) ?? throw new JsonException("The file holds null.");
            providers.Add(provider);
            if (file != provider.Strategy + ".json")
            {
                problems.Add($"{file} is the file of {provider.Strategy}");
            }
        }
        catch (JsonException e)
        {
            problems.Add($"{file} does not have its form: {e.Message}");
        }
    }
}

/// <summary>An entry's form on disk: a member that no reader knows is a slip of the pen, not an extension.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    MaxDepth = 16,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Provider))]
internal sealed partial class ProvidersJson : JsonSerializerContext;
