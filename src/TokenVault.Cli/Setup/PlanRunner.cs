using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>Carries a plan out, change by change.</summary>
/// <param name="screen">Null: quietly.</param>
/// <param name="made">Is told of each client at once, with its secret, which is shown only now: whatever happens next, it is kept.</param>
internal sealed class PlanRunner(ManagementApi api, Screen? screen, Action<string, JsonNode> made)
{
    private readonly Dictionary<string, string> _references = [];

    public async Task RunAsync(SetupPlan plan, CancellationToken cancellationToken)
    {
        foreach (var change in plan.Changes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = Resolved(change.Path);

            // Once it is sent, its answer may hold a secret: it is not given up for an interrupt.
            var answer = await api.SendAsync(change.Method, path, Resolved(change.Body), CancellationToken.None);
            if (change.Produces is { } reference)
            {
                _references[reference] = answer["client_id"] ?? throw new ToolException(ExitCode.Failed, $"The answer to {change.Method} {path} has no client_id.");
                made(reference, answer.Json!);
            }

            screen?.Done(change.Title);
        }
    }

    private JsonNode? Resolved(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Resolved(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Resolved)]),
        JsonValue value when value.TryGetValue<string>(out var text) && _references.TryGetValue(text, out var id) => JsonValue.Create(id),
        _ => node?.DeepClone(),
    };

    private string Resolved(string path) => _references.Aggregate(path, (text, reference) => text.Replace(reference.Key, reference.Value, StringComparison.Ordinal));
}
