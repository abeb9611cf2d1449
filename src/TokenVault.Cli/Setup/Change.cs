using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>One request that brings the server nearer to what is wanted.</summary>
/// <param name="Path">Below <c>/api/v2/</c>. It and strings of the body may be references, as in <see cref="Application"/>.</param>
internal sealed record Change(string Title, HttpMethod Method, string Path, JsonNode Body)
{
    /// <summary>Stands for the id of the application until it is there.</summary>
    public const string Application = "{application}";

    /// <summary>Stands for the id of the API's client until it is there.</summary>
    public const string ApiClient = "{api_client}";

    /// <summary>What the members of the body were before; null for something new.</summary>
    public JsonObject? Before { get; init; }

    /// <summary>Which protection this lowers; null: none.</summary>
    public string? Weakens { get; init; }

    /// <summary>What else somebody should know who decides about it.</summary>
    public string? Note { get; init; }

    /// <summary>The reference that stands for the <c>client_id</c> of the answer.</summary>
    public string? Produces { get; init; }

    /// <summary>As it is shown: without secrets.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["title"] = Title,
            ["method"] = Method.Method,
            ["path"] = Path,
            ["body"] = Redactor.Json(Body),
        };
        if (Before is not null)
        {
            json["before"] = Redactor.Json(Before);
        }

        if (Weakens is not null)
        {
            json["weakens"] = Weakens;
        }

        if (Note is not null)
        {
            json["note"] = Note;
        }

        return json;
    }
}
