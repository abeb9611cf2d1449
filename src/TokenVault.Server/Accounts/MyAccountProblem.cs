using TokenVault.Server.Http;

namespace TokenVault.Server.Accounts;

/// <summary>An error of the My Account API, in the members that its clients read (RFC 9457's, with validation errors).</summary>
internal sealed record MyAccountProblem(int Status, string Title, string Detail)
{
    public const string Type = "https://auth0.com/api-errors";

    /// <summary>The body member at fault.</summary>
    public string? Field { get; init; }

    public static MyAccountProblem Invalid(string detail, string? field = null) => new(400, "Bad Request", detail) { Field = field };

    public static MyAccountProblem Unauthorized(string detail) => new(401, "Unauthorized", detail);

    public static MyAccountProblem Forbidden(string detail) => new(403, "Forbidden", detail);

    public static MyAccountProblem NotFound(string detail) => new(404, "Not Found", detail);

    public static MyAccountProblem Conflict(string detail) => new(409, "Conflict", detail);

    public static MyAccountProblem TooManyRequests(string detail) => new(429, "Too Many Requests", detail);

    public Task WriteAsync(HttpContext context)
    {
        if (Status == 429)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        return WriteBodyAsync(context);
    }

    private Task WriteBodyAsync(HttpContext context) =>
        OAuthResponse.WriteAsync(context, Status, writer =>
        {
            writer.WriteString("type", Type);
            writer.WriteString("title", Title);
            writer.WriteString("detail", Detail);
            writer.WriteNumber("status", Status);
            if (Field is null)
            {
                return;
            }

            writer.WriteStartArray("validation_errors");
            writer.WriteStartObject();
            writer.WriteString("detail", Detail);
            writer.WriteString("field", Field);
            writer.WriteString("pointer", "/" + Field);
            writer.WriteEndObject();
            writer.WriteEndArray();
        });
}
