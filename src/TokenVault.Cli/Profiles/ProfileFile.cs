using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Profiles;

/// <summary>The logins of this user, in one file of mode 0600. Whoever changes it holds the <see cref="ProfileTurn"/>.</summary>
internal sealed class ProfileFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _location;
    private readonly SortedDictionary<string, Profile> _profiles;

    private ProfileFile(string location, SortedDictionary<string, Profile> profiles, string? current)
    {
        _location = location;
        _profiles = profiles;
        Current = current;
    }

    /// <summary>The name of the one that is used when none is named.</summary>
    public string? Current { get; private set; }

    public IReadOnlyDictionary<string, Profile> All => _profiles;

    public static ProfileFile Open(string location)
    {
        var profiles = new SortedDictionary<string, Profile>(StringComparer.Ordinal);
        if (!File.Exists(location))
        {
            return new ProfileFile(location, profiles, current: null);
        }

        try
        {
            var json = JsonNode.Parse(PrivateFile.Read(location))!;
            foreach (var (name, profile) in json["profiles"]!.AsObject())
            {
                profiles[name] = Profile.FromJson(profile!);
            }

            return new ProfileFile(location, profiles, (string?)json["current"]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentNullException)
        {
            throw new ToolException(ExitCode.Failed, $"{location} cannot be read: {e.Message}", "Remove it, and log in again.");
        }
    }

    public void Put(string name, Profile profile)
    {
        _profiles[name] = profile;
        Current = name;
        Save();
    }

    /// <summary>Puts it in the place of the one of this name, and leaves the current one current.</summary>
    public void Replace(string name, Profile profile)
    {
        _profiles[name] = profile;
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
        PrivateFile.Write(_location, new JsonObject { ["current"] = Current, ["profiles"] = profiles }.ToJsonString(Indented) + "\n");
    }
}
