namespace TokenVault.Server.Http;

/// <summary>A refusal of the Management API, before it is put into the envelope that the field's tools parse.</summary>
/// <param name="Message">What the caller is told.</param>
/// <param name="Code">The wire member <c>errorCode</c>.</param>
internal sealed record ManagementError(int Status, string Message, string? Code = null)
{
    /// <summary>The wire member <c>attributes.error</c>.</summary>
    public string? Attribute { get; init; }

    public static ManagementError NotFound { get; } = new(404, "Not Found");

    public static ManagementError Internal { get; } = new(500, "An internal error occurred");

    /// <summary>The text that tools show: <c>Payload validation error: '…' on property x</c>.</summary>
    public static ManagementError InvalidBody(string problem, string? property = null) =>
        new(400, $"Payload validation error: '{problem}'" + (string.IsNullOrEmpty(property) ? "" : $" on property {property}"), "invalid_body");

    public static ManagementError InvalidQuery(string problem, string parameter) =>
        new(400, $"Query validation error: '{problem}' on property {parameter}", "invalid_query_string");

    public static ManagementError InvalidUri(string problem) => new(400, $"Path validation error: '{problem}'", "invalid_uri");

    /// <summary>RFC 6750 §3.1, in the words of the field.</summary>
    public static ManagementError Unauthorized(string problem) => new(401, problem) { Attribute = problem };

    /// <summary>The command line tool splits this message to tell which scope is missing: not a character may change.</summary>
    public static ManagementError InsufficientScope(RequiredScope scope) =>
        new(403, $"Insufficient scope, expected any of: {string.Join(',', scope.AnyOf)}", "insufficient_scope");

    public static ManagementError NotAllowed(string message) => new(403, message, "operation_not_supported");

    /// <param name="noun">As in the code <c>inexistent_client</c>.</param>
    public static ManagementError Inexistent(string noun) => new(404, $"The {noun.Replace('_', ' ')} does not exist.", $"inexistent_{noun}");

    public static ManagementError Conflict(string message) => new(409, message, "conflict");

    /// <summary>RFC 9110 §13.1.1: somebody else changed it since the caller read it.</summary>
    public static ManagementError PreconditionFailed { get; } =
        new(412, "The resource was changed since you read it. Read it again.", "precondition_failed");

    public static ManagementError TooManyRequests(string message) => new(429, message, "too_many_requests");

    public static ManagementError TooLarge(int limit) => new(413, $"The body is larger than {limit} bytes", "payload_too_large");

    /// <summary>The wire member <c>error</c>.</summary>
    public string Phrase => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(Status);
}
