using System.Diagnostics;
using System.Globalization;

namespace TokenVault.Server;

/// <summary>Tells an operator once a second how far long work has come and how long it will take.</summary>
internal sealed class ProgressLines(TextWriter output, string work)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly long _began = Stopwatch.GetTimestamp();
    private long _lineAt = Stopwatch.GetTimestamp();
    private long? _first;

    public static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public void Tell(long done, long total)
    {
        // What was done before this process came to it says nothing of its speed.
        _first ??= done;
        if (Stopwatch.GetElapsedTime(_lineAt) < Interval)
        {
            return;
        }

        _lineAt = Stopwatch.GetTimestamp();
        output.WriteLine($"  {work}: {Count(done)} of {Count(total)} rows{Left(done, total)}");
    }

    private string Left(long done, long total)
    {
        var here = done - _first!.Value;
        if (here <= 0 || done >= total)
        {
            return "";
        }

        var left = Stopwatch.GetElapsedTime(_began) * ((double)(total - done) / here);
        return left.TotalSeconds < 90
            ? string.Create(CultureInfo.InvariantCulture, $", {left.TotalSeconds:0} s left")
            : string.Create(CultureInfo.InvariantCulture, $", {left.TotalMinutes:0} min left");
    }
}
