namespace TokenVault.Server.Users;

/// <summary>What an identity says about its person, in the members of Auth0's normalised profile.</summary>
internal sealed record UserProfile
{
    private const int LongestText = 300;
    private const int LongestEmail = 254;
    private const int LongestPicture = 2048;

    public string? Email { get; init; }

    public bool EmailVerified { get; init; }

    public string? Username { get; init; }

    public string? Name { get; init; }

    public string? GivenName { get; init; }

    public string? FamilyName { get; init; }

    public string? Nickname { get; init; }

    public string? Picture { get; init; }

    /// <summary>A provider's words are a stranger's: what is too long, not printable or no web address is left out.</summary>
    /// <param name="claim">A claim's text; null when it is absent.</param>
    /// <param name="verified">Whether the provider says that it has verified the address.</param>
    public static UserProfile Of(Func<string, string?> claim, string? email, bool verified)
    {
        var address = Plain(email, LongestEmail);
        var picture = Plain(claim("picture") ?? claim("avatar_url"), LongestPicture);
        return new UserProfile
        {
            Email = address,
            EmailVerified = verified && address is not null,
            Name = Plain(claim("name"), LongestText),
            GivenName = Plain(claim("given_name"), LongestText),
            FamilyName = Plain(claim("family_name"), LongestText),
            Nickname = Plain(claim("nickname") ?? claim("preferred_username") ?? claim("login"), LongestText),
            Picture = picture?.StartsWith("https://", StringComparison.Ordinal) == true ? picture : null,
        };
    }

    /// <summary>This, and from the other what this leaves open.</summary>
    public UserProfile CompletedBy(UserProfile other) => this with
    {
        Email = Email ?? other.Email,
        EmailVerified = Email is null ? other.EmailVerified : EmailVerified,
        Name = Name ?? other.Name,
        GivenName = GivenName ?? other.GivenName,
        FamilyName = FamilyName ?? other.FamilyName,
        Nickname = Nickname ?? other.Nickname,
        Picture = Picture ?? other.Picture,
    };

    private static string? Plain(string? text, int longest) =>
        string.IsNullOrWhiteSpace(text) || text.Length > longest || text.Any(char.IsControl) ? null : text;
}
