namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>All descriptions.</summary>
internal static class KnownBehaviours
{
    public static IReadOnlyDictionary<string, Behaviour> All { get; } =
        new[] { Platforms.All, Workplaces.All, Businesses.All, Developers.All, Media.All }
            .SelectMany(group => group)
            .ToDictionary(behaviour => behaviour.Strategy, StringComparer.Ordinal);

    /// <summary>Every host that the server may call or send a browser to.</summary>
    public static IEnumerable<string> Hosts => All.Values
        .SelectMany(b => new[] { b.Authorize, b.Token, b.Refresh, b.User?.Url, b.Revocation?.Url, b.OpenId?.Keys })
        .OfType<string>()
        .Select(url => new Uri(url).Host);
}
