using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Profiles;

/// <summary>The logins of this user, in one file of mode 0600.</summary>
internal sealed class ProfileFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly SortedDictionary<string, Profile> _profiles;

    private ProfileFile(SortedDictionary<string, Profile> profiles, string? current)
    {
        _profiles = profiles;
        Current = current;
    }

    public static string Location { get; } = Path.Combine(Folder(), "profiles.json");

    /// <summary>The name of the one that is used when none is named.</summary>
    public string? Current { get; private set; }

    public IReadOnlyDictionary<string, Profile> All => _profiles;

    public static ProfileFile Open()
    {
        var profiles = new SortedDictionary<string, Profile>(StringComparer.Ordinal);
        if (!File.Exists(Location))
        {
            return new ProfileFile(profiles, current: null);
        }

        try
        {
            var json = JsonNode.Parse(PrivateFile.Read(Location))!;
            foreach (var (name, profile) in json["profiles"]!.AsObject())
            {
                profiles[name] = Profile.FromJson(profile!);
            }

            return new ProfileFile(profiles, (string?)json["current"]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentNullException)
        {
            throw new ToolException(ExitCode.Failed, $"{Location} cannot be read: {e.Message}", "Remove it, and log in again.");
        }
    }

    public void Put(string name, Profile profile)
    {
        _profiles[name] = profile;
        Current = name;
        Save();
    }

    public void Use(string name)
    {
        Current = name;
        Save();
    }

    public void Remove(string name)
    {
        _profiles.Remove(name);
        Current = Current == name ? _profiles.Keys.FirstOrDefault() : Current;
        Save();
    }

    private void Save()
    {
        var profiles = new JsonObject(_profiles.Select(profile => KeyValuePair.Create(profile.Key, (JsonNode?)profile.Value.ToJson())));
        PrivateFile.Write(Location, new JsonObject { ["current"] = Current, ["profiles"] = profiles }.ToJsonString(Indented) + "\n");
    }

    private static string Folder()
    {
        if (Environment.GetEnvironmentVariable("TOKENVAULT_CONFIG_DIR") is { Length: > 0 } own)
        {
            return own;
        }

        // The XDG base directory on Unix, the roaming profile on Windows.
        var root = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(root, "tokenvault");
    }
}
