using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Actions;

/// <summary>
/// The actions of a trigger, in their order. There is one row for each trigger that takes bindings, also when nothing is bound: what is not
/// stored is not kept in memory, and every token request asks.
/// </summary>
internal sealed record ActionBindings : IRecord<ActionBindings>
{
    public static string Kind => "action-bindings";

    public static JsonTypeInfo<ActionBindings> TypeInfo => ActionsJson.Default.ActionBindings;

    /// <summary>The trigger.</summary>
    public required string Id { get; init; }

    public IReadOnlyList<ActionBinding> Bindings { get; set; } = [];

    [JsonIgnore]
    public long Version { get; init; }

    public ActionBindings AtVersion(long version) => this with { Version = version };
}

internal sealed record ActionBinding
{
    public required string Id { get; init; }

    public required string ActionId { get; init; }

    public required string DisplayName { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
