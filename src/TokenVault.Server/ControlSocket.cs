using System.Net.Sockets;
using System.Text;
using TokenVault.Server.Diagnostics;

namespace TokenVault.Server;

/// <summary>
/// Where a server that holds a SQLite store does the <c>keys</c>, <c>audit</c> and <c>revoke</c> verbs for the command line beside it: a Unix socket in the data directory
/// that the server's user alone can reach. A request is one line, a verb of a closed set; the answer is lines, each with a mark in front:
/// a space for output, <c>!</c> for why it cannot be done, <c>=</c> for the exit code.
/// </summary>
internal sealed class ControlSocket(TokenVaultOptions options, KeysOperation keys, AuditOperation audit, RevokeOperation revoke, ILogger<ControlSocket> logger) : IHostedService, IDisposable
{
    private const int LongestRequest = 1024;
    private const int AtOnce = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private Socket? _socket;
    private Task _serving = Task.CompletedTask;

    public static string FileIn(string dataDirectory) => Path.Combine(dataDirectory, "control.sock");

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var file = FileIn(options.DataDirectory);
        try
        {
            // Left by a server that was killed: this one holds the store, so nobody listens there.
            File.Delete(file);
            _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _socket.Bind(new UnixDomainSocketEndPoint(file));
            if (!OperatingSystem.IsWindows())
            {
                // Before it listens: nobody can have connected.
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            _socket.Listen(AtOnce);
            _serving = Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => ServeAsync(_socket)));
        }
        catch (Exception e) when (e is SocketException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            // The server serves all the same; a path may be too long for a socket.
            Log.ControlSocketFailed(logger, e.Message);
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        _socket?.Dispose();
        await _serving;
        if (_socket is not null)
        {
            File.Delete(FileIn(options.DataDirectory));
        }
    }

    /// <summary>A start that fails further on disposes without stopping: the loops end then, too.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _socket?.Dispose();
        _stopping.Dispose();
    }

    private async Task ServeAsync(Socket socket)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                using var caller = await socket.AcceptAsync(_stopping.Token);
                await AnswerAsync(caller);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
            {
                // The caller has gone, or the server stops: what was begun and can go on, goes on in the background.
            }
            catch (Exception e)
            {
                Log.BackgroundWorkFailed(logger, e, "a request of the command line");
            }
        }
    }

    private async Task AnswerAsync(Socket caller)
    {
        await using var stream = new NetworkStream(caller);
        await using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" };
        if (await ReadAsync(stream) is not { } run)
        {
            await writer.WriteLineAsync("!This server does not know what was asked of it.");
            return;
        }

        try
        {
            var code = await run(new MarkedLines(writer));
            await writer.WriteLineAsync($"={code}");
        }
        catch (StartupException e)
        {
            await writer.WriteLineAsync("!" + e.Message.ReplaceLineEndings(" "));
        }
    }

    private async Task<Func<TextWriter, Task<int>>?> ReadAsync(NetworkStream stream)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(Patience);
        var request = new byte[LongestRequest];
        for (var length = 0; length < request.Length;)
        {
            var read = await stream.ReadAsync(request.AsMemory(length), patience.Token);
            length += read;
            if (read == 0 || request[length - 1] == (byte)'\n')
            {
                return Find(Encoding.UTF8.GetString(request, 0, length).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return null;
    }

    private Func<TextWriter, Task<int>>? Find(string[] words)
    {
        if (AuditOperation.Parse(words) is (true, var witness))
        {
            return output => audit.RunAsync(witness, output, _stopping.Token);
        }

        if (RevokeScope.Parse(words) is { } scope)
        {
            return output => revoke.RunAsync(scope, output, _stopping.Token);
        }

        return KeysVerbs.Parse(words) is { } verb ? output => keys.RunAsync(verb, output, _stopping.Token) : null;
    }

    /// <summary>Puts the mark of output in front of every line.</summary>
    private sealed class MarkedLines(TextWriter inner) : TextWriter
    {
        public override Encoding Encoding => inner.Encoding;

        public override void WriteLine(string? value) => inner.WriteLine(" " + value);

        public override Task WriteLineAsync(string? value) => inner.WriteLineAsync(" " + value);
    }
}
