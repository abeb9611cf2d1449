using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>Which scopes a provider is asked for: what the connection allows, and what the account has already.</summary>
internal sealed class AccountScopes(IStorage storage, ProviderClient provider, ILogger<AccountScopes> logger)
{
    /// <summary>The first scope that may not be asked for (T-CF-10); null when all may.</summary>
    public string? Refused(Connection connection, IEnumerable<string> asked) =>
        asked.Except(provider.DefaultScopes(connection), StringComparer.Ordinal).FirstOrDefault(scope => !connection.MayAskFor(scope));

    /// <summary>
    /// What was asked for the account before, so that a further scope is granted beside those and not instead of them. Which account the
    /// user will choose at the provider is not known: it is the one that the hint names or, without a hint, the only one. What the operator
    /// does not allow any more is not asked for again.
    /// </summary>
    public async ValueTask<IReadOnlyList<string>> FormerAsync(string userId, Connection connection, string? hint, CancellationToken cancellationToken)
    {
        var all = await storage.ListReadableAsync<Tokenset>(Tokenset.OwnerIndex(userId, connection.Id), logger, cancellationToken);
        var meant = all.Where(tokenset => tokenset.UserId == userId && (hint is null || tokenset.IsMeantBy(hint))).ToList();
        meant = hint is not null && meant.Find(tokenset => tokenset.IsNamed(hint)) is { } named ? [named] : meant;
        return meant is [var one] ? [.. (one.RequestedScopes ?? one.Scopes).Where(scope => Refused(connection, [scope]) is null)] : [];
    }
}
