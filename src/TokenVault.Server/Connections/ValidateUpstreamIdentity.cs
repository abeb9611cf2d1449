namespace TokenVault.Server.Connections;

/// <summary>
/// The one judgement of the person whom a provider names, for sign-in, for connecting and for the refresh alike: a restriction that
/// holds on one path only is none (T-UP-09).
/// </summary>
internal static class ValidateUpstreamIdentity
{
    /// <param name="claim">The texts of a claim, of an id_token or of the userinfo answer; null when it is absent.</param>
    /// <param name="first">
    /// Whether this establishes who it is. The id_token of a refresh may leave claims out, and then says nothing against the account.
    /// </param>
    /// <returns>For the log; null when nothing is wrong.</returns>
    public static string? Problem(Connection connection, string? subject, Func<string, IReadOnlyList<string>?> claim, bool first)
    {
        if (!ProviderIdentity.IsSubject(subject))
        {
            return "no subject of a sensible form";
        }

        foreach (var (name, allowed) in connection.Options.RequiredClaims ?? Nothing)
        {
            if (claim(name) is not { } values)
            {
                if (first)
                {
                    return $"no claim {name}, which the connection requires";
                }

                continue;
            }

            if (!values.Intersect(allowed, StringComparer.Ordinal).Any())
            {
                return $"a value of the claim {name} that the connection does not allow";
            }
        }

        return null;
    }

    private static Dictionary<string, IReadOnlyList<string>> Nothing { get; } = [];
}
