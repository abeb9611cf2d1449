using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Http;

/// <summary>A Management API request after the gate: who calls, and what they ask for, without the HTTP around it.</summary>
internal sealed class ManagementRequest
{
    private readonly HttpRequest _http;
    private readonly IReadOnlyDictionary<string, string> _path;
    private readonly IReadOnlyList<string> _scopes;

    private ManagementRequest(HttpContext context, AccessToken caller, IReadOnlyList<string> scopes, IReadOnlyDictionary<string, string> path)
    {
        _http = context.Request;
        _path = path;
        _scopes = scopes;
        Caller = caller;
        Origin = RequestOrigin.Of(context);
        Cancellation = context.RequestAborted;
        Query = new QueryReader(context.Request.Query);
    }

    public AccessToken Caller { get; }

    public bool IsRead => HttpMethods.IsGet(_http.Method) || HttpMethods.IsHead(_http.Method);

    public RequestOrigin Origin { get; }

    public CancellationToken Cancellation { get; }

    public QueryReader Query { get; }

    /// <param name="scopes">What is left of the caller's.</param>
    /// <returns>Null when the path cannot be read in exactly one way.</returns>
    public static ManagementRequest? Of(HttpContext context, AccessToken caller, IReadOnlyList<string> scopes) =>
        PathValues.Read(context) is { } path ? new ManagementRequest(context, caller, scopes, path) : null;

    /// <summary>Whether the caller may do what takes more than the endpoint's own scope.</summary>
    public bool Holds(RequiredScope scope) => scope.IsMetBy(_scopes);

    /// <summary>A parameter of the path, percent-decoded exactly once.</summary>
    public string Path(string name) => _path[name];

    /// <summary>Whether the caller, if they named a version (<c>If-Match</c>, RFC 9110 §13.1.1), named this one.</summary>
    public bool Expects(long version)
    {
        var tags = _http.Headers.IfMatch.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)).ToList();
        return tags.Count == 0 || tags.Contains("*") || tags.Contains(ManagementAnswer.TagOf(version), StringComparer.Ordinal);
    }

    /// <summary>Whether a body was sent, where it may be left out.</summary>
    public bool HasBody => _http.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    /// <summary>The body as JSON; a writer that may have to try again reads it once and lays it over what it finds each time.</summary>
    public Task<JsonBody> ReadJsonAsync() => JsonBody.ReadAsync(_http, Cancellation);

    /// <summary>The JSON object of the body; unreadable bodies are refused by the reader itself.</summary>
    public async Task<BodyReader> BodyAsync() => BodyReader.OfObject(await ReadJsonAsync());

    /// <summary>The JSON array of the body, each element an object.</summary>
    public async Task<BodyReader> ArrayBodyAsync() => BodyReader.OfArray(await ReadJsonAsync());

    /// <summary>What the log is told of a write; never the body, which may hold secrets.</summary>
    public AuditEvent Audit(string description, int status, string? target)
    {
        var details = new JsonObject
        {
            ["request"] = new JsonObject { ["method"] = _http.Method.ToLowerInvariant(), ["path"] = _http.Path.ToString() },
            ["response"] = new JsonObject { ["status_code"] = status },
        };
        if (target is not null)
        {
            details["target"] = target;
        }

        return new AuditEvent
        {
            Type = AuditType.ManagementWrite,
            Description = description,
            ClientId = Caller.ClientId,
            UserId = Caller.UserId,
            Details = details,
        }.From(Origin);
    }
}
