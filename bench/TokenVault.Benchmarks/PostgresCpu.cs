using System.Diagnostics;

namespace TokenVault.Benchmarks;

/// <summary>What all PostgreSQL processes of this machine have used, so far as they are still there.</summary>
internal static class PostgresCpu
{
    public static TimeSpan Total()
    {
        var total = TimeSpan.Zero;
        foreach (var process in Process.GetProcessesByName("postgres"))
        {
            using (process)
            {
                try
                {
                    total += process.TotalProcessorTime;
                }
                catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
                {
                    // It has just ended.
                }
            }
        }

        return total;
    }
}
