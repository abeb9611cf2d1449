using System.Diagnostics;
using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>What all PostgreSQL processes of this machine have used, so far as they are still there.</summary>
internal static class PostgresCpu
{
    public static TimeSpan Total()
    {
        var total = TimeSpan.Zero;
        foreach (var directory in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                // By the program's name: the processes call themselves by what they do.
                if (File.ReadAllText(Path.Combine(directory, "comm")).TrimEnd() == "postgres")
                {
                    using var process = Process.GetProcessById(int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture));
                    total += process.TotalProcessorTime;
                }
            }
            catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
            {
                // It has just ended.
            }
        }

        return total;
    }
}
