using System.Text.Json.Nodes;

namespace TokenVault.Cli.Setup;

/// <summary>Everything that has to be changed, in order.</summary>
internal sealed record SetupPlan(IReadOnlyList<Change> Changes)
{
    /// <summary>What was asked for and is not done.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    public IEnumerable<Change> Weakening => Changes.Where(change => change.Weakens is not null);

    /// <param name="keys">Of the privileged worker; null for the other flavours.</param>
    public static SetupPlan Of(ServerState state, SetupAnswers answers, WorkerKeys? keys)
    {
        foreach (var name in answers.Connections.Where(name => state.Connection(name) is null))
        {
            throw new ToolException(ExitCode.Usage, $"There is no connection {name}.", "Those there are: " + string.Join(", ", ConnectionPlan.Names(state)));
        }

        return new SetupPlan(
        [
            .. ApiPlan.OfApi(state, answers),
            .. ApplicationPlan.Of(state, answers, keys),
            .. ApiPlan.OfClient(state, answers),
            .. ConnectionPlan.Of(state, answers),
            .. AccessPlan.Of(state, answers),
        ])
        {
            Warnings = [.. ConnectionPlan.Ignored(state, answers)],
        };
    }

    /// <summary>Whether both change the same of the same; keys that were made meanwhile apart.</summary>
    public bool IsAs(SetupPlan other) => Changes.Count == other.Changes.Count && Changes.Zip(other.Changes).All(pair =>
        pair.First.Title == pair.Second.Title && pair.First.Path == pair.Second.Path && pair.First.Weakens == pair.Second.Weakens
        && JsonNode.DeepEquals(pair.First.Before, pair.Second.Before));

    public JsonArray ToJson() => new([.. Changes.Select(change => change.ToJson())]);
}
