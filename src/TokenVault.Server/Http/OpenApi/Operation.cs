using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>Endpoint metadata: what the API reference says of a route, beside what the route itself tells (path, method, scope).</summary>
internal sealed record Operation(string Summary)
{
    public string? Description { get; init; }

    /// <summary>The status of success.</summary>
    public int Status { get; init; } = 200;

    /// <summary>An answer that has every member there can be; null for an empty one.</summary>
    public JsonNode? Answer { get; init; }

    /// <summary>The reading of the body, to be watched; null when there is none.</summary>
    public Action<BodyReader>? Body { get; init; }

    /// <summary>The body is an array of what <see cref="Body"/> reads.</summary>
    public bool ArrayBody { get; init; }

    public JsonNode? BodyExample { get; init; }

    /// <summary>Query parameters with what they mean, besides those of lists.</summary>
    public IReadOnlyList<(string Name, string Meaning)> Query { get; init; } = [];

    /// <summary>With a list: the member that holds it where the answer is an object.</summary>
    public string? List { get; init; }

    /// <summary>The list knows no other form than the object with a cursor.</summary>
    public bool CheckpointOnly { get; init; }

    /// <summary>The list knows no object with a cursor.</summary>
    public bool PagesOnly { get; init; }

    /// <summary><c>fields</c> and <c>include_fields</c> choose among the members of the answer.</summary>
    public bool Fields { get; init; }

    /// <summary><c>If-Match</c> is heeded.</summary>
    public bool Guarded { get; init; }

    /// <summary>Refusals besides those that follow from the route.</summary>
    public IReadOnlyList<int> Refusals { get; init; } = [];
}
