using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>The usual operations on a kind of resource, described from how it is shown and read.</summary>
/// <param name="One">As in "Get a client".</param>
/// <param name="Many">As in "List clients".</param>
/// <param name="Collection">The wire name of a list of them.</param>
/// <param name="Example">One with every member.</param>
internal sealed record Noun(string One, string Many, string Collection, JsonObject Example)
{
    public Action<BodyReader>? New { get; init; }

    public JsonObject? NewExample { get; init; }

    public Action<BodyReader>? Change { get; init; }

    public JsonObject? ChangeExample { get; init; }

    /// <summary>What creation alone shows.</summary>
    public JsonObject? Shown { get; init; }

    public IReadOnlyList<(string Name, string Meaning)> Filters { get; init; } = [];

    public bool CheckpointOnly { get; init; }

    public bool Fields { get; init; } = true;

    public Operation List => new($"List {Many}")
    {
        Answer = Example.DeepClone(),
        List = Collection,
        CheckpointOnly = CheckpointOnly,
        Fields = true,
        Query = Filters,
    };

    public Operation Create => new($"Create {One}")
    {
        Status = 201,
        Answer = Shown ?? Example.DeepClone(),
        Body = New,
        BodyExample = NewExample?.DeepClone(),
        Refusals = [409],
    };

    public Operation Get => new($"Get {One}") { Answer = Example.DeepClone(), Fields = Fields };

    public Operation Update => new($"Change {One}")
    {
        Description = "A member that is absent keeps its value; null resets it.",
        Answer = Example.DeepClone(),
        Body = Change,
        BodyExample = ChangeExample?.DeepClone(),
        Guarded = true,
        Refusals = [409],
    };

    public Operation Delete => new($"Delete {One}")
    {
        Description = "What is not there is deleted already.",
        Status = 204,
        Guarded = true,
        Refusals = [409],
    };
}
