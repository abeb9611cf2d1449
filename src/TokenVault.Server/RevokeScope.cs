namespace TokenVault.Server;

/// <summary>Whose grants an operator withdraws: those that a client could reach, of a connection, of a user, or all.</summary>
internal sealed record RevokeScope(string Kind, string? Id)
{
    public const string Client = "--client";
    public const string Connection = "--connection";
    public const string User = "--user";
    public const string All = "--all";

    private const int LongestId = 300;

    /// <summary>Null when the words are no such verb.</summary>
    public static RevokeScope? Parse(string[] words) => words switch
    {
        ["revoke", All] => new RevokeScope(All, Id: null),
        ["revoke", Client or Connection or User, { Length: > 0 and <= LongestId } id] when !id.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) =>
            new RevokeScope(words[1], id),
        _ => null,
    };

    public override string ToString() => Id is null ? $"revoke {Kind}" : $"revoke {Kind} {Id}";
}
