namespace TokenVault.Tests.Flows.Factors;

/// <summary>A deployment whose operator takes a session's second factor for an exchange's.</summary>
public sealed class TrustingScene : FactorScene
{
    private protected override IReadOnlyDictionary<string, string?>? Settings =>
        new Dictionary<string, string?> { ["TokenVault:MultiFactor:SessionsMayExchange"] = "true" };
}
