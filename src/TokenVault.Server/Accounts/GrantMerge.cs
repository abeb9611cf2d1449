using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>
/// What becomes of a connected account's scopes when its user consents again: they never shrink silently. The new tokens take the
/// place of the former ones when they bring a scope that those lack, or cover all of theirs; a consent that only covers less is kept
/// beside them, to be used should the provider refuse the former.
/// </summary>
/// <param name="Keeps">The former tokens stay.</param>
/// <param name="Lost">Scopes that the account had and has no more.</param>
internal sealed record GrantMerge(bool Keeps, IReadOnlyList<string> Lost)
{
    public static GrantMerge Of(Tokenset? former, IReadOnlyList<string> granted, DateTimeOffset now)
    {
        if (former is not { State: TokensetState.Active } || !(former.HasRefreshToken || former.IsUsable(now)))
        {
            return new GrantMerge(Keeps: false, []);
        }

        List<string> missing = [.. former.Scopes.Except(granted, StringComparer.Ordinal)];
        var brings = granted.Except(former.Scopes, StringComparer.Ordinal).Any();
        return missing.Count == 0 || brings ? new GrantMerge(Keeps: false, missing) : new GrantMerge(Keeps: true, []);
    }
}
