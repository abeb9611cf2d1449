namespace TokenVault.Client.Wire;

/// <summary>Seconds, as servers send them: perhaps not at all, or nonsense.</summary>
internal static class Seconds
{
    private const double Longest = 10.0 * 365 * 24 * 3600;

    public static TimeSpan Of(double? seconds, double otherwise = 0) => TimeSpan.FromSeconds(Math.Clamp(seconds ?? otherwise, 0, Longest));
}
