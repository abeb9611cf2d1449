namespace TokenVault.Server.Connections.Quirks;

/// <summary>A token answer as the provider sends it → as RFC 6749 has it.</summary>
internal delegate AnswerMembers AnswerQuirk(AnswerMembers answer);

/// <summary>The fields of a token request as RFC 6749 has them → as the provider wants them.</summary>
internal delegate IReadOnlyDictionary<string, string> RequestQuirk(IReadOnlyDictionary<string, string> fields);

/// <summary>The access token of a redeemed code → the fields of a second request, whose answer takes the first one's place.</summary>
internal delegate IReadOnlyDictionary<string, string> UpgradeQuirk(string accessToken);

/// <summary>A departure from the standard that data cannot describe: a pure function that the catalogue names.</summary>
/// <param name="Name">As it stands in an entry's <c>quirks</c>.</param>
/// <param name="Documentation">Where the provider says so.</param>
internal sealed record Quirk(string Name, string Documentation)
{
    public AnswerQuirk? Answer { get; init; }

    public RequestQuirk? Request { get; init; }

    public UpgradeQuirk? Upgrade { get; init; }
}
