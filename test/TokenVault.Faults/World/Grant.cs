using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Faults.World;

/// <summary>A user of the vault, signed in to the application.</summary>
internal sealed record VaultUser(string Person, Browser Browser, string RefreshToken);

/// <summary>A user's account at one provider. Connected anew, it has a new tokenset and a new grant at the provider.</summary>
internal sealed class Grant(VaultUser user, RotationProvider provider)
{
    private int _seen;

    public VaultUser User { get; } = user;

    public RotationProvider Provider { get; } = provider;

    public string AccountId { get; private set; } = "";

    public string TokensetId { get; private set; } = "";

    /// <summary>The grant's id at the provider.</summary>
    public string Upstream { get; private set; } = "";

    /// <summary>Access tokens that callers were given since the round began.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Given { get; } = new();

    /// <summary>The provider's calls since the round began.</summary>
    public IReadOnlyList<FakeRefresh> Calls => [.. Provider.Fake.Refreshes.Of(Upstream).Skip(_seen)];

    public IReadOnlyList<FakeRefresh> AllCalls => Provider.Fake.Refreshes.Of(Upstream);

    public void Connected(string accountId, string tokensetId, string upstream)
    {
        (AccountId, TokensetId, Upstream) = (accountId, tokensetId, upstream);
        BeginRound();
    }

    public void BeginRound()
    {
        Given.Clear();
        _seen = AllCalls.Count;
    }

    public override string ToString() => $"{User.Person} at {Provider.Class} ({TokensetId})";
}
