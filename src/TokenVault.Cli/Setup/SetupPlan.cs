using System.Text.Json.Nodes;

namespace TokenVault.Cli.Setup;

/// <summary>Everything that has to be changed, in order.</summary>
internal sealed record SetupPlan(IReadOnlyList<Change> Changes)
{
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
        ]);
    }

    public JsonArray ToJson() => new([.. Changes.Select(change => change.ToJson())]);
}
