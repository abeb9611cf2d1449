using TokenVault.Server;
using TokenVault.Server.Keys;

namespace TokenVault.Tests.Keys;

/// <summary>Access tokens that come again and again.</summary>
public sealed class KnownAccessTokenTests
{
    [Fact]
    public async Task T_ST_11_an_access_token_that_is_known_is_worth_nothing_without_its_key()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var tokens = TokensOf(store, keys);
        var token = tokens.Issue(new AccessTokenClaims("client", "api", ["read", "write"], TimeSpan.FromDays(1)) { UserId = "auth0|1", Methods = ["pwd"] }).Reveal();
        var first = tokens.Verify(token, "api", out _).ShouldNotBeNull();
        var known = tokens.Verify(token, "api", out var problem).ShouldNotBeNull(problem);
        known.ShouldBe(first with { Scopes = known.Scopes, Audiences = known.Audiences, Methods = known.Methods });
        known.Scopes.ShouldBe(["read", "write"]);
        known.Audiences.ShouldBe(["api"]);
        known.Methods.ShouldBe(["pwd"]);
        tokens.Verify(token, "api", out _).ShouldBeSameAs(known);

        // Another spelling is another token, whatever is known of this one (T-ST-17); and what it says is judged each time.
        tokens.Verify(token + "=", "api", out _).ShouldBeNull();
        tokens.Verify(token[..^1] + (token[^1] == 'A' ? 'B' : 'A'), "api", out _).ShouldBeNull();
        tokens.Verify(token.Replace('.', '\uFF0E'), "api", out _).ShouldBeNull();
        tokens.Verify(token, "another", out var refusal).ShouldBeNull();
        refusal.ShouldContain("audience");
        tokens.Verify(token, "api", out _).ShouldNotBeNull();

        var kid = keys.Current("RS256").Kid;
        await keys.RotateAsync("RS256", CancellationToken.None);
        tokens.Verify(token, "api", out _).ShouldNotBeNull();
        await keys.RevokeAsync(kid, CancellationToken.None);
        tokens.Verify(token, "api", out refusal).ShouldBeNull();
        refusal.ShouldContain("no key");

        var later = tokens.Issue(new AccessTokenClaims("client", "api", [], TimeSpan.FromDays(1))).Reveal();
        tokens.Verify(later, "api", out _).ShouldNotBeNull().UserId.ShouldBeNull();
        tokens.Verify(later, "api", out _).ShouldNotBeNull().UserId.ShouldBeNull();
        store.Clock.Advance(TimeSpan.FromDays(2));
        tokens.Verify(later, "api", out refusal).ShouldBeNull();
        refusal.ShouldContain("expired");
    }

    [Fact]
    public async Task T_CA_10_an_access_token_that_is_known_stays_bound_and_says_who_acts()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var tokens = TokensOf(store, keys);
        var claims = new AccessTokenClaims("client", "api", ["read"], TimeSpan.FromDays(1)) { UserId = "auth0|1" };
        var bound = tokens.Issue(claims with { BoundTo = new Confirmation { KeyThumbprint = "thumbprint" } }).Reveal();
        var acted = tokens.Issue(claims with { Delegation = new Delegation { Actor = ActorChain.Of("agent", "client", prior: null) } }).Reveal();

        for (var i = 0; i < 3; i++)
        {
            tokens.Verify(bound, "api", out _).ShouldNotBeNull().BoundTo.KeyThumbprint.ShouldBe("thumbprint");
            tokens.Verify(acted, "api", out _).ShouldNotBeNull().Delegation.Actor.ShouldNotBeNull().Subject.ShouldBe("agent");
        }
    }

    [Fact]
    public async Task More_access_tokens_than_are_remembered_are_verified_all_the_same()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var tokens = TokensOf(store, keys);
        string[] issued =
        [
            .. Enumerable.Range(0, 10_500).Select(i => tokens.Issue(
                new AccessTokenClaims("client", "api", ["read"], TimeSpan.FromDays(1)) { Alg = "ES256", UserId = $"auth0|{i}" }).Reveal()),
        ];

        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < issued.Length; i++)
            {
                tokens.Verify(issued[i], "api", out var problem).ShouldNotBeNull(problem).UserId.ShouldBe($"auth0|{i}");
            }
        }
    }

    private static AccessTokens TokensOf(KeyStore store, SigningKeys keys) =>
        new(keys, new TokenVaultOptions { Issuer = "https://localhost:8443/" }, store.Clock);
}
