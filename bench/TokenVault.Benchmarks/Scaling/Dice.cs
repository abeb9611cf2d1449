namespace TokenVault.Benchmarks.Scaling;

/// <summary>Chance that is the same in every run (SplitMix64).</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    /// <summary>From 0 to 1, without 1.</summary>
    public double Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    public int Next(int below) => (int)(Next() * below);

    /// <summary>The time between two of many callers who know nothing of each other.</summary>
    public double Pause(double perSecond) => -Math.Log(1 - Next()) / perSecond;

    /// <summary>Half as much up to one and a half times as much.</summary>
    public double About(double mean) => mean * (0.5 + Next());
}
