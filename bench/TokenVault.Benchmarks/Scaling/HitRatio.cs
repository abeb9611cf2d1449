namespace TokenVault.Benchmarks.Scaling;

/// <summary>
/// How often a user is remembered: a server remembers so many, drops any of them when there is no room, and meets all users alike. With chance
/// p of being the next one, a user is remembered p·t / (1 + p·t) of the time, where t is such that the memory is full.
/// </summary>
internal static class HitRatio
{
    private const double Growth = 1.02;

    public static double Of(double users, double remembered, double skew)
    {
        if (remembered >= users)
        {
            return 1;
        }

        var ranks = Ranks(users, skew);
        var (low, high) = (0.0, 1e15);
        for (var i = 0; i < 100; i++)
        {
            var middle = Math.Sqrt(Math.Max(low, 1e-3) * high);
            (low, high) = ranks.Sum(rank => rank.Users * rank.Chance * middle / (1 + (rank.Chance * middle))) < remembered ? (middle, high) : (low, middle);
        }

        return ranks.Sum(rank => rank.Users * rank.Chance * (rank.Chance * high / (1 + (rank.Chance * high))));
    }

    /// <summary>Users of about the same rank together.</summary>
    private static List<(double Users, double Chance)> Ranks(double users, double skew)
    {
        var ranks = new List<(double Users, double Weight)>();
        for (var first = 1.0; first <= users;)
        {
            var next = Math.Min(users + 1, Math.Max(first + 1, first * Growth));
            ranks.Add((next - first, Math.Pow((first + next - 1) / 2, -skew)));
            first = next;
        }

        var total = ranks.Sum(rank => rank.Users * rank.Weight);
        return [.. ranks.Select(rank => (rank.Users, rank.Weight / total))];
    }
}
