namespace WebApp;

internal static class Pages
{
    /// <param name="title">Encoded.</param>
    /// <param name="body">Encoded.</param>
    /// <param name="status">The HTTP status.</param>
    public static IResult Html(string title, string body, int status = StatusCodes.Status200OK) => Results.Content(
        $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>{body}</html>",
        "text/html; charset=utf-8",
        statusCode: status);
}
