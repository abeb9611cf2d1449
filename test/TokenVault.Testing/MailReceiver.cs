using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace TokenVault.Testing;

/// <summary>A mail server that takes every message (RFC 5321), or says that it is busy.</summary>
internal sealed class MailReceiver : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<string> _accepted = new();
    private readonly Task _serving;
    private int _calls;

    private MailReceiver()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public bool Busy { get; set; }

    public static MailReceiver Start() => new();

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Envelope recipients and the message, as it came.</summary>
    public IReadOnlyList<string> Accepted => [.. _accepted];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            using var caller = await _listener.AcceptTcpClientAsync(_stopping.Token);
            Interlocked.Increment(ref _calls);
            try
            {
                await TalkAsync(caller.GetStream());
            }
            catch (IOException)
            {
                // The caller hung up.
            }
        }
    }

    private async Task TalkAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 mail.example");
        var message = new StringBuilder();
        while (await reader.ReadLineAsync(_stopping.Token) is { } line && line != "QUIT")
        {
            if (line.StartsWith("RCPT TO:", StringComparison.OrdinalIgnoreCase))
            {
                message.AppendLine(line);
                await writer.WriteLineAsync(Busy ? "450 busy" : "250 OK");
                continue;
            }

            if (line != "DATA")
            {
                await writer.WriteLineAsync("250 OK");
                continue;
            }

            await writer.WriteLineAsync("354 go on");
            while (await reader.ReadLineAsync(_stopping.Token) is { } text && text != ".")
            {
                message.AppendLine(text);
            }

            _accepted.Enqueue(message.ToString());
            await writer.WriteLineAsync("250 taken");
        }
    }
}
