using System.Text.Json.Nodes;

namespace TokenVault.Server.Http;

/// <summary>What a Management API handler answers: a JSON document, nothing, or a refusal.</summary>
internal sealed record ManagementAnswer
{
    private ManagementAnswer(int status, JsonNode? body, ManagementError? error)
    {
        Status = status;
        Body = body;
        Error = error;
    }

    public static ManagementAnswer NoContent { get; } = new(204, body: null, error: null);

    public int Status { get; }

    public JsonNode? Body { get; }

    public ManagementError? Error { get; }

    /// <summary>The version that was read or written, as an entity tag (RFC 9110 §8.8.3); null for what has none.</summary>
    public string? EntityTag { get; private init; }

    /// <summary>What was asked for is done, and there is nothing to show (revocations answer so).</summary>
    public static ManagementAnswer Accepted { get; } = new(202, body: null, error: null);

    /// <summary>RFC 8288: where the next page is, for the lists that say so in a header.</summary>
    public string? Link { get; init; }

    public static ManagementAnswer Ok(JsonNode body) => new(200, body, error: null);

    public static ManagementAnswer Created(JsonNode body) => new(201, body, error: null);

    /// <summary>With the version that a later <c>If-Match</c> can name (T-MG-10).</summary>
    public ManagementAnswer Tagged(long version) => this with { EntityTag = TagOf(version) };

    public static string TagOf(long version) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"v{version}\"");

    public static implicit operator ManagementAnswer(ManagementError error) => new(error.Status, body: null, error);
}
