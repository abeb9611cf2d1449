using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace TokenVault.Server;

/// <summary>Asks the server that holds the store to do a verb; see <see cref="ControlSocket"/>.</summary>
internal static class ControlClient
{
    /// <param name="request">The words of a verb.</param>
    /// <returns>The exit code; null when no server listens there.</returns>
    /// <exception cref="StartupException">The server cannot do it, or went away; says why.</exception>
    public static async Task<int?> TryAsync(string dataDirectory, string request, TextWriter output, CancellationToken cancellationToken)
    {
        var file = ControlSocket.FileIn(dataDirectory);
        if (!File.Exists(file))
        {
            return null;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(file), cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // Left by a server that was killed.
            return null;
        }
        catch (SocketException e)
        {
            throw new StartupException($"The server behind '{file}' cannot be asked: {e.Message} Run this as the user that the server runs as.", e);
        }

        try
        {
            return await AskAsync(socket, request, output, cancellationToken);
        }
        catch (IOException e)
        {
            throw new StartupException("The server went away before it had answered; ask again when it runs.", e);
        }
    }

    private static async Task<int> AskAsync(Socket socket, string request, TextWriter output, CancellationToken cancellationToken)
    {
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request + "\n"), cancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { Length: > 0 } line)
        {
            switch (line[0])
            {
                case '=':
                    return int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
                case '!':
                    throw new StartupException(line[1..]);
                default:
                    await output.WriteLineAsync(line[1..]);
                    break;
            }
        }

        throw new IOException("The answer broke off.");
    }
}
