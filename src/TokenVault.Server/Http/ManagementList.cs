using System.Text.Json.Nodes;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>What a list endpoint shows.</summary>
/// <param name="Collection">The wire name of the array, <c>clients</c>.</param>
internal sealed record ManagementList<T>(string Collection, Func<T, JsonObject> View)
    where T : class, IRecord<T>
{
    /// <summary>Only rows that carry this key.</summary>
    public EntityKey? Index { get; init; }

    /// <summary>Only rows that pass; applied after the index, over a collection that is small by nature.</summary>
    public Func<T, bool>? Where { get; init; }

    /// <summary>What a cursor is bound to besides the collection: the filter's parameters with their values.</summary>
    public string FilterText { get; init; } = "";
}
