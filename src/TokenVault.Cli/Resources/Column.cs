using System.Text.Json.Nodes;

namespace TokenVault.Cli.Resources;

/// <summary>A column of a table for people.</summary>
internal sealed record Column(string Title, Func<JsonObject, string?> Value)
{
    /// <summary>The text of a member.</summary>
    public static Column Of(string title, string member) => new(title, item => Api.Answer.Text(item, member));

    /// <summary>A member that is true or not.</summary>
    public static Column YesNo(string title, Func<JsonObject, JsonNode?> value) =>
        new(title, item => value(item) is JsonValue flag && flag.TryGetValue<bool>(out var yes) && yes ? "yes" : "no");
}
