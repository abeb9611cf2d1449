using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Cli.Trial;

/// <summary>
/// Where the browser comes back to: a random port of 127.0.0.1, which other machines cannot reach, and only with the state that was sent along
/// (RFC 8252 §7.3, T-CL-04).
/// </summary>
internal sealed class LoopbackCallback : IDisposable
{
    private const int FirstPort = 49_152;
    private const int AfterPorts = 65_536;
    private const int MostAttempts = 20;
    private const string CallbackPath = "/callback";

    private readonly HttpListener _listener;

    private LoopbackCallback(HttpListener listener, int port)
    {
        _listener = listener;
        Address = $"http://127.0.0.1:{port}{CallbackPath}";
    }

    public string Address { get; }

    public static LoopbackCallback Listen()
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(FirstPort, AfterPorts);
            var listener = new HttpListener();
            listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            try
            {
                listener.Start();
                return new LoopbackCallback(listener, port);
            }
            catch (HttpListenerException) when (attempt < MostAttempts)
            {
                // Taken by somebody else.
                listener.Close();
            }
        }
    }

    /// <summary>Waits for the browser. Whatever else arrives is turned away and changes nothing.</summary>
    /// <param name="member">The parameter that is waited for: <c>code</c> or <c>connect_code</c>.</param>
    public async Task<string> WaitAsync(string state, string member, CancellationToken cancellationToken)
    {
        using var stopping = cancellationToken.Register(_listener.Close);
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw;
            }

            var query = context.Request.QueryString;
            if (context.Request.Url?.AbsolutePath != CallbackPath || !Same(query["state"], state))
            {
                await AnswerAsync(context, 404, "Nothing is waited for here.");
                continue;
            }

            if (query["error"] is { } error)
            {
                await AnswerAsync(context, 200, "That did not work. The terminal says why; you can close this window.");
                throw new ToolException(ExitCode.Failed, $"{error}: {query["error_description"]}");
            }

            if (query[member] is { Length: > 0 } value)
            {
                await AnswerAsync(context, 200, "Done. Go back to the terminal; you can close this window.");
                return value;
            }

            await AnswerAsync(context, 400, "Something is missing.");
        }
    }

    public void Dispose() => _listener.Close();

    private static bool Same(string? given, string state) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(state));

    private static async Task AnswerAsync(HttpListenerContext context, int status, string text)
    {
        var page = Encoding.UTF8.GetBytes($"<!doctype html><meta charset=utf-8><title>tokenvault</title><p>{text}</p>");
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers["Cache-Control"] = "no-store";
        context.Response.Headers["Content-Security-Policy"] = "default-src 'none'";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.ContentLength64 = page.Length;
        await context.Response.OutputStream.WriteAsync(page);
        context.Response.Close();
    }
}
