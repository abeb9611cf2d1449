using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>What one PostgreSQL has used: its first process, those that it has started, and those that have ended meanwhile.</summary>
internal static class PostgresCpu
{
    // proc_pid_stat(5), counted from what follows the name in brackets: ppid, and four times in ticks, of which Linux has 100 a second.
    private const int Parent = 1;
    private const int OwnTimes = 11;
    private const int EndedTimes = 13;
    private const double TicksPerSecond = 100;

    /// <param name="first">The process that started all others (<c>postmaster.pid</c>).</param>
    public static TimeSpan Total(int first)
    {
        var ticks = 0L;
        foreach (var directory in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            var id = int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture);
            if (Stat(directory) is { } stat && (id == first || stat[Parent] == first))
            {
                ticks += stat[OwnTimes] + stat[OwnTimes + 1] + stat[EndedTimes] + stat[EndedTimes + 1];
            }
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    private static long[]? Stat(string directory)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(directory, "stat"));
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return [.. fields.Take(EndedTimes + 2).Select((field, i) => i == 0 ? 0 : long.Parse(field, CultureInfo.InvariantCulture))];
        }
        catch (IOException)
        {
            // It has just ended.
            return null;
        }
    }
}
