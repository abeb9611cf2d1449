namespace TokenVault.Benchmarks;

/// <summary>A kind of exchange that is measured, and how the load generator goes about it.</summary>
/// <param name="Name">As it is in the table.</param>
internal sealed record RequestKind(string Name)
{
    /// <summary>An API passes on the access token that it was called with.</summary>
    public static RequestKind AccessToken { get; } = new("access token");

    /// <summary>An application uses its refresh token.</summary>
    public static RequestKind RefreshToken { get; } = new("refresh token");

    /// <summary>A worker signs each request.</summary>
    public static RequestKind Worker { get; } = new("worker JWT") { Once = true };

    /// <summary>Nothing of the user is remembered: all is read from the store, and the use of the tokenset is noted.</summary>
    public static RequestKind FirstUse { get; } = new("refresh token, first use") { Once = true };

    /// <summary>As <see cref="FirstUse"/>, and the signature of each is verified.</summary>
    public static RequestKind FirstAccess { get; } = new("access token, first use") { Once = true };

    /// <summary>The provider's access token has ended: the server refreshes it first.</summary>
    public static RequestKind Refresh { get; } = new("refresh token, with a refresh") { Once = true, Prefix = BenchProvider.TokenPrefix };

    /// <summary>One request at a time, so that each has a commit of its own.</summary>
    public static RequestKind Alone { get; } = new("access token, one at a time") { Bodies = AccessToken.Name, Connections = 1 };

    /// <summary>Each body is good for one use: in order, from the beginning; otherwise any of them, again and again.</summary>
    public bool Once { get; private init; }

    /// <summary>What a right answer's token begins with.</summary>
    public string Prefix { get; private init; } = BenchStore.TokenPrefix;

    /// <summary>How many requests are under way at any time.</summary>
    public int Connections { get; private init; } = Wrk.Connections;

    /// <summary>The kind whose bodies are sent.</summary>
    public string Bodies { get; private init; } = Name;
}
