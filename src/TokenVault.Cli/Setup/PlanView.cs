using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>A plan as people read it: what each change is, and each member before and after.</summary>
internal static class PlanView
{
    private const int Longest = 800;
    private const int LongestText = 80;

    public static void Show(Screen screen, SetupPlan plan, string issuer)
    {
        if (plan.Changes.Count == 0)
        {
            screen.Line($"{issuer} is set up: nothing to change.");
            return;
        }

        screen.Title($"{plan.Changes.Count} {(plan.Changes.Count == 1 ? "change" : "changes")} at {issuer}");
        for (var i = 0; i < plan.Changes.Count; i++)
        {
            Show(screen, plan.Changes[i], i + 1);
        }
    }

    private static void Show(Screen screen, Change change, int number)
    {
        screen.Line(string.Create(CultureInfo.InvariantCulture, $"{number,2}. {change.Title}  ({change.Method} {change.Path})"));
        if (change.Body is JsonObject members)
        {
            foreach (var (name, value) in (JsonObject)Redactor.Json(members))
            {
                var before = change.Before is { } all && all[name] is { } old ? $"{Short(Redactor.Json(old))} -> " : "";
                screen.Line($"      {name}: {before}{Short(value)}");
            }
        }

        if (change.Note is { } note)
        {
            screen.Line("      Note: " + note);
        }

        if (change.Weakens is { } weakens)
        {
            screen.Line("      LOWERS A PROTECTION: " + weakens);
        }
    }

    private static string Short(JsonNode? value)
    {
        var text = value is null ? "nothing" : PlainText.Of(Abridged(value)!.ToJsonString());
        return text.Length <= Longest ? text : text[..Longest] + "…";
    }

    /// <summary>Long texts, such as keys, cut; everything else is there to be judged.</summary>
    private static JsonNode? Abridged(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Abridged(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Abridged)]),
        JsonValue value when value.TryGetValue<string>(out var text) && text.Length > LongestText => JsonValue.Create(text[..LongestText] + "..."),
        _ => node?.DeepClone(),
    };
}
