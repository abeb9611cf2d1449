using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Keys;

/// <summary>The server's own keys: made, published, rotated, withdrawn.</summary>
public sealed class SigningKeysTests
{
    private static readonly byte[] Claims = Encoding.UTF8.GetBytes("""{"iss":"https://localhost:8443/","aud":"api","exp":1893560000}""");
    private static readonly JwtExpectations Expected = new() { Issuer = "https://localhost:8443/", Audience = "api", Types = ["at+jwt"] };

    [Fact]
    public async Task The_first_start_makes_a_current_and_a_next_key_of_each_algorithm_and_later_ones_keep_them()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        await using var again = await store.OpenSigningKeysAsync();

        var published = Published(keys);
        published.Select(k => k.GetProperty("alg").GetString()).ShouldBe(["RS256", "RS256", "ES256", "ES256"]);
        published[0].GetProperty("kid").GetString().ShouldBe(keys.Current("RS256").Kid);
        published[2].GetProperty("kid").GetString().ShouldBe(keys.Current("ES256").Kid);
        again.Jwks.ToArray().ShouldBe(keys.Jwks.ToArray());
        Should.Throw<ArgumentException>(() => keys.Current("HS256"));
    }

    [Fact]
    public async Task What_is_published_is_public_and_named_by_its_thumbprint()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();

        foreach (var jwk in Published(keys))
        {
            var rsa = jwk.GetProperty("kty").GetString() == "RSA";
            jwk.EnumerateObject().Select(m => m.Name).ShouldBe(
                rsa ? ["kty", "n", "e", "use", "alg", "kid"] : ["kty", "crv", "x", "y", "use", "alg", "kid"], ignoreOrder: true);
            jwk.GetProperty("use").GetString().ShouldBe("sig");
            string Member(string name) => $"\"{name}\":{jwk.GetProperty(name).GetRawText()}";
            var canonical = rsa ? $"{{{Member("e")},{Member("kty")},{Member("n")}}}" : $"{{{Member("crv")},{Member("kty")},{Member("x")},{Member("y")}}}";
            jwk.GetProperty("kid").GetString().ShouldBe(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(canonical))));
            VerificationKey.FromJwk(jwk, jwk.GetProperty("alg").GetString()!, out var problem).ShouldNotBeNull(problem);
        }
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task What_is_signed_verifies_by_the_published_key(string alg)
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var signer = keys.Current(alg);

        var token = signer.Sign("at+jwt", Claims);

        var header = JsonElement.Parse(Base64Url.DecodeFromChars(token.AsSpan(0, token.IndexOf('.', StringComparison.Ordinal))));
        header.EnumerateObject().Select(m => (m.Name, m.Value.GetString())).ShouldBe([("alg", alg), ("typ", "at+jwt"), ("kid", signer.Kid)]);
        JwtVerifier.Verify(token, Expected, kid => keys.Find(kid!), store.Clock.GetUtcNow(), out var problem).ShouldNotBeNull(problem);
        var published = Published(keys).ToDictionary(k => k.GetProperty("kid").GetString()!, k => VerificationKey.FromJwk(k, alg, out _));
        JwtVerifier.Verify(token, Expected, kid => published[kid!], store.Clock.GetUtcNow(), out problem).ShouldNotBeNull(problem);
        keys.Find("another").ShouldBeNull();
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task Many_threads_may_sign_and_verify_with_one_key(string alg)
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var wrong = new ConcurrentBag<int>();

        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var token = keys.Current(alg).Sign("at+jwt", Encoding.UTF8.GetBytes($$"""{"iss":"https://localhost:8443/","aud":"api","exp":1893560000,"n":{{i}}}"""));
            if (JwtVerifier.Verify(token, Expected, kid => keys.Find(kid!), store.Clock.GetUtcNow(), out _)?.Number("n") != i)
            {
                wrong.Add(i);
            }
        });

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_rotation_signs_with_the_key_that_was_published_before_and_still_verifies_the_old_one()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var old = keys.Current("RS256");
        var oldToken = old.Sign("at+jwt", Claims);
        var next = Published(keys)[1].GetProperty("kid").GetString();
        var es = keys.Current("ES256").Kid;

        await keys.RotateAsync("RS256", CancellationToken.None);

        keys.Current("RS256").Kid.ShouldBe(next);
        keys.Current("ES256").Kid.ShouldBe(es);
        var published = Published(keys);
        published.Count.ShouldBe(5);
        published[0].GetProperty("kid").GetString().ShouldBe(next);
        published[2].GetProperty("kid").GetString().ShouldBe(old.Kid);
        JwtVerifier.Verify(oldToken, Expected, kid => keys.Find(kid!), store.Clock.GetUtcNow(), out var problem).ShouldNotBeNull(problem);
        await Should.ThrowAsync<ArgumentException>(() => keys.RotateAsync("HS256", CancellationToken.None));
    }

    [Fact]
    public async Task A_revoked_key_verifies_nothing_and_is_no_longer_published()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var old = keys.Current("RS256");
        (await keys.RevokeAsync(old.Kid, CancellationToken.None)).ShouldBeFalse();
        await keys.RotateAsync("RS256", CancellationToken.None);

        (await keys.RevokeAsync(old.Kid, CancellationToken.None)).ShouldBeTrue();

        keys.Find(old.Kid).ShouldBeNull();
        Published(keys).ShouldNotContain(k => k.GetProperty("kid").GetString() == old.Kid);
        (await keys.RevokeAsync("absent", CancellationToken.None)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_rotation_on_one_node_reaches_the_others()
    {
        await using var store = new KeyStore();
        await using var here = await store.OpenSigningKeysAsync();
        await using var there = await store.OpenSigningKeysAsync();

        await here.RotateAsync("ES256", CancellationToken.None);

        SpinWait.SpinUntil(() => there.Current("ES256").Kid == here.Current("ES256").Kid, TimeSpan.FromSeconds(10)).ShouldBeTrue();
        there.Jwks.ToArray().ShouldBe(here.Jwks.ToArray());
        there.Staleness.ShouldBeNull();
    }

    [Fact]
    public async Task A_change_that_cannot_be_read_leaves_the_keys_in_use_and_is_tried_again()
    {
        await using var store = new KeyStore();
        await using var keys = await store.OpenSigningKeysAsync();
        var before = keys.Jwks.ToArray();
        var broken = new SigningKey { Id = "broken", Alg = "ES256", State = SigningKeyState.Previous, PublicJwk = [], SealedPrivateKey = [1, 2, 3] };

        await store.Storage.CommitAsync(new Batch().Insert(broken));

        SpinWait.SpinUntil(() => keys.Staleness is BrokenSealException, TimeSpan.FromSeconds(10)).ShouldBeTrue();
        keys.Jwks.ToArray().ShouldBe(before);
        keys.Current("ES256").Sign("at+jwt", Claims).ShouldNotBeEmpty();

        await store.Storage.CommitAsync(new Batch().Delete(broken with { Version = 1 }));
        SpinWait.SpinUntil(
            () =>
            {
                store.Clock.Advance(TimeSpan.FromSeconds(1));
                return keys.Staleness is null;
            },
            TimeSpan.FromSeconds(10)).ShouldBeTrue();
    }

    [Fact]
    public async Task Nodes_that_rotate_at_the_same_time_rotate_once_or_in_turn()
    {
        await using var store = new KeyStore();
        await using var here = await store.OpenSigningKeysAsync();
        await using var there = await store.OpenSigningKeysAsync();

        await Task.WhenAll(here.RotateAsync("ES256", CancellationToken.None), there.RotateAsync("ES256", CancellationToken.None));

        var stored = await store.Storage.ListAllAsync<SigningKey>(index: null, CancellationToken.None);
        stored.Count(k => k is { Alg: "ES256", State: SigningKeyState.Current }).ShouldBe(1);
        stored.Count(k => k is { Alg: "ES256", State: SigningKeyState.Next }).ShouldBe(1);
    }

    [Fact]
    public async Task Nodes_that_start_together_on_an_empty_store_share_one_set()
    {
        await using var store = new KeyStore();
        var ring = await store.OpenRingAsync();

        var opened = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(
            () => store.OpenSigningKeysAsync(ring))));

        opened.Select(k => Encoding.UTF8.GetString(k.Jwks.Span)).Distinct().Count().ShouldBe(1);
        Published(opened[0]).Count.ShouldBe(4);
        foreach (var keys in opened)
        {
            await keys.DisposeAsync();
        }
    }

    [Fact]
    public async Task T_EN_02_a_key_put_into_another_keys_row_is_refused_at_start()
    {
        await using var store = new KeyStore();
        await using (await store.OpenSigningKeysAsync())
        {
        }

        var stored = await store.Storage.ListAllAsync<SigningKey>(index: null, CancellationToken.None);
        var (one, two) = (stored.First(k => k.Alg == "RS256"), stored.Last(k => k.Alg == "RS256"));
        await store.TamperAsync(one with { SealedPrivateKey = two.SealedPrivateKey });

        (await Should.ThrowAsync<StartupException>(store.OpenSigningKeysAsync)).Message.ShouldContain("signing key");
    }

    [Fact]
    public async Task A_public_key_slipped_into_the_store_is_not_published()
    {
        await using var store = new KeyStore();
        await using (await store.OpenSigningKeysAsync())
        {
        }

        using var foreign = RSA.Create(2048);
        var stored = await store.Storage.ListAllAsync<SigningKey>(index: null, CancellationToken.None);
        await store.TamperAsync(stored[0] with { PublicJwk = Jwk.Write(foreign, stored[0].Id, stored[0].Alg) });
        await using var keys = await store.OpenSigningKeysAsync();

        Encoding.UTF8.GetString(keys.Jwks.Span).ShouldNotContain(Base64Url.EncodeToString(foreign.ExportParameters(includePrivateParameters: false).Modulus));
    }

    private static List<JsonElement> Published(SigningKeys keys) =>
        [.. JsonElement.Parse(keys.Jwks.Span).GetProperty("keys").EnumerateArray()];
}
