using System.Text.Json.Nodes;

namespace TokenVault.Cli.Examination;

internal enum Verdict
{
    Good,
    Doubtful,
    Bad,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Advice">What to do about it; null when there is nothing to do.</param>
internal sealed record Finding(Verdict Verdict, string Subject, string Text, string? Advice = null)
{
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["verdict"] = Verdict.ToString().ToLowerInvariant(), ["subject"] = Subject, ["text"] = Text };
        if (Advice is not null)
        {
            json["advice"] = Advice;
        }

        return json;
    }
}
