using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>What all processors of this machine have been busy with together.</summary>
internal static class MachineCpu
{
    private const int TicksPerSecond = 100;

    public static TimeSpan Total()
    {
        // user nice system idle iowait irq softirq steal …
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]
            .Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromSeconds((double)(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / TicksPerSecond);
    }
}
