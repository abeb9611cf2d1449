namespace TokenVault.Benchmarks;

/// <summary>A server under measurement, and what has been asked of it.</summary>
/// <param name="requests">The file of bodies of a kind.</param>
internal sealed class Subject(string name, ServerProcess server, Deployment at, Func<RequestKind, string> requests)
{
    public string Name { get; } = name;

    public ServerProcess Server { get; } = server;

    public Deployment At { get; } = at;

    /// <summary>Answers of every kind, while warming up as well.</summary>
    public long Answered { get; private set; }

    /// <summary>Of these, such with a refresh.</summary>
    public long Refreshed { get; private set; }

    /// <summary>Requests that may have been under way when the generator stopped, each time that it did.</summary>
    public long UnderWay { get; private set; }

    /// <summary>Those of <see cref="UnderWay"/> that would refresh.</summary>
    public long RefreshesUnderWay { get; private set; }

    public string Requests(RequestKind kind) => requests(kind);

    /// <param name="stops">How often the generator stopped.</param>
    public void Count(RequestKind kind, long answered, int stops)
    {
        Answered += answered;
        UnderWay += stops * kind.Connections;
        if (kind == RequestKind.Refresh)
        {
            Refreshed += answered;
            RefreshesUnderWay += stops * kind.Connections;
        }
    }
}
