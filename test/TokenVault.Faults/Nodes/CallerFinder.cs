using System.Globalization;

namespace TokenVault.Faults.Nodes;

/// <summary>Finds the process at the other end of a loopback connection: by its port the socket, by the socket the process.</summary>
internal static class CallerFinder
{
    /// <returns>0 when none of these processes has it.</returns>
    public static int Find(int port, IEnumerable<int> processes)
    {
        if (SocketOf(port) is not { } socket)
        {
            return 0;
        }

        var name = $"socket:[{socket}]";
        return processes.FirstOrDefault(process => Holds(process, name));
    }

    /// <summary>Of /proc/net/tcp: the inode of the socket with this local port on 127.0.0.1.</summary>
    private static string? SocketOf(int port)
    {
        var local = string.Create(CultureInfo.InvariantCulture, $"0100007F:{port:X4}");
        return File.ReadLines("/proc/net/tcp")
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(fields => fields.Length > 9 && fields[1] == local && fields[9] != "0")?[9];
    }

    private static bool Holds(int process, string name)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Any(entry => File.ResolveLinkTarget(entry, false)?.Name == name);
        }
        catch (IOException)
        {
            // The process, or one of its files, has gone meanwhile.
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
