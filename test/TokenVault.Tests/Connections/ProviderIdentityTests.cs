using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>Whose account it is: nothing that a provider says of that is believed without its signature, its keys and its own address.</summary>
public sealed class ProviderIdentityTests(ProviderIdentityTests.Scene scene) : IClassFixture<ProviderIdentityTests.Scene>
{
    private readonly VaultClock _clock = scene.Clock;
    private readonly FakeProvider _provider = scene.Provider;
    private readonly Upstream _upstream = Upstream.Create(scene.Clock);

    public static TheoryData<string> Forgeries => [.. IdTokenForgeries.Bad.Keys];

    public static TheoryData<string> Unusual => [.. IdTokenForgeries.Good.Keys];

    public static TheoryData<string> Metadata { get; } =
    [
        "another issuer", "an issuer with a slash", "no issuer", "an issuer that is a number", "html", "a list", "deep", "duplicate issuer", "status 500",
        "file: token endpoint", "no token endpoint", "ftp: authorization endpoint", "user in the token endpoint",
    ];

    [Fact]
    public void T_UP_01_The_forgeries_are_many() => IdTokenForgeries.Bad.Count.ShouldBeGreaterThanOrEqualTo(50);

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task T_UP_01_A_forged_or_foreign_id_token_names_nobody(string name)
    {
        var (grant, failure) = await RedeemAsync(IdTokenForgeries.Bad[name]);

        failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(ProviderFailureKind.IdentityRejected, failure.Detail);
        grant?.Identity.ShouldBeNull();
        failure.Detail.ShouldAllBe(c => c >= ' ' && c <= '~');
    }

    [Theory]
    [MemberData(nameof(Unusual))]
    public async Task T_UP_01_A_true_id_token_is_believed(string name)
    {
        var (grant, failure) = await RedeemAsync(IdTokenForgeries.Good[name]);

        failure.ShouldBeNull();
        grant!.Identity!.Issuer.ShouldBe(_provider.Issuer);
    }

    [Theory]
    [MemberData(nameof(Metadata))]
    public async Task T_UP_02_Metadata_that_are_not_the_issuers_own_are_not_used(string name)
    {
        _provider.Discovery.Next(MetadataFault(name));
        var redeemed = _provider.Redemption.Calls;

        var (url, failure) = await _upstream.Client.AuthorizeUrlAsync(_upstream.Oidc(_provider), Upstream.Authorize("openid"), CancellationToken.None);

        if (failure is null)
        {
            // The address was not at fault: what the metadata say besides is, and is met when it is needed.
            url.ShouldNotBeNull();
            var redeem = Upstream.Redeem("code", _provider.Issuer);
            failure = (await _upstream.Client.RedeemAsync(_upstream.Oidc(_provider), redeem, CancellationToken.None)).Failure.ShouldNotBeNull();
        }

        failure.Kind.ShouldBeOneOf(ProviderFailureKind.Misconfigured, ProviderFailureKind.Unavailable);
        _provider.Redemption.Calls.ShouldBe(redeemed);
    }

    [Fact]
    public async Task T_UP_03_A_rollover_is_followed_and_made_up_key_ids_cause_no_storm()
    {
        (await RedeemAsync((token, _) => token)).Failure.ShouldBeNull();
        var calls = _provider.Keys.Calls;
        for (var i = 0; i < 20; i++)
        {
            (await RedeemAsync(IdTokenForgeries.Bad["an unknown kid"])).Failure!.Kind.ShouldBe(ProviderFailureKind.IdentityRejected);
        }

        _provider.Keys.Calls.ShouldBe(calls, "the set at hand is fresher than a minute");
        _clock.Advance(TimeSpan.FromSeconds(61));
        for (var i = 0; i < 20; i++)
        {
            await RedeemAsync(IdTokenForgeries.Bad["an unknown kid"]);
        }

        _provider.Keys.Calls.ShouldBe(calls + 1);
        _clock.Advance(TimeSpan.FromMinutes(61));
        (await RedeemAsync((token, _) => token)).Failure.ShouldBeNull();
        _provider.Keys.Calls.ShouldBe(calls + 2);
    }

    [Theory]
    [InlineData("101 keys")]
    [InlineData("oct")]
    [InlineData("private part")]
    [InlineData("kid twice")]
    [InlineData("another key of that kid")]
    [InlineData("1024 bits")]
    [InlineData("for encryption")]
    [InlineData("300 KB")]
    [InlineData("html")]
    public async Task T_UP_03_A_key_set_that_is_not_sound_verifies_nothing(string name)
    {
        _provider.Keys.Always(KeysFault(name));

        (await RedeemAsync((token, _) => token)).Failure.ShouldNotBeNull();

        _provider.Keys.Always(null);
        _clock.Advance(TimeSpan.FromSeconds(61));
        (await RedeemAsync((token, _) => token)).Failure.ShouldBeNull();
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData(null)]
    public async Task T_UP_06_A_code_that_came_from_another_server_is_sent_to_nobody(string? iss)
    {
        var connection = _upstream.Oidc(_provider);
        var redeemed = _provider.Redemption.Calls;
        var redeem = (await _upstream.ApproveAsync(connection, "openid")) with { Iss = iss };

        var (_, failure) = await _upstream.Client.RedeemAsync(connection, redeem, CancellationToken.None);

        failure!.Kind.ShouldBe(ProviderFailureKind.IdentityRejected);
        _provider.Redemption.Calls.ShouldBe(redeemed);
    }

    private async Task<ProviderResult<ProviderGrant>> RedeemAsync(Func<string, FakeProvider, string> forge)
    {
        var connection = _upstream.Oidc(_provider);
        var redeem = await _upstream.ApproveAsync(connection, "openid", "email");
        _provider.Redemption.Next(Fault.Rewriting((answer, provider) => answer["id_token"] = forge(answer["id_token"]!.GetValue<string>(), provider)));
        return await _upstream.Client.RedeemAsync(connection, redeem, CancellationToken.None);
    }

    private static Fault MetadataFault(string name) => name switch
    {
        "another issuer" => Fault.Rewriting((json, _) => json["issuer"] = "https://evil.example"),
        "an issuer with a slash" => Fault.Rewriting((json, provider) => json["issuer"] = provider.Issuer + "/"),
        "no issuer" => Fault.Rewriting((json, _) => json.Remove("issuer")),
        "an issuer that is a number" => Fault.Rewriting((json, _) => json["issuer"] = 1),
        "html" => Fault.Html(),
        "a list" => Fault.Answer(200, "application/json", "[]"),
        "deep" => Fault.Answer(200, "application/json", string.Concat(Enumerable.Repeat("{\"a\":", 100)) + "1" + new string('}', 100)),
        "duplicate issuer" => Fault.Answer(200, "application/json", """{"issuer":"https://a.example","issuer":"https://b.example"}"""),
        "status 500" => Fault.Status(500),
        "file: token endpoint" => Fault.Rewriting((json, _) => json["token_endpoint"] = "file:///etc/passwd"),
        "no token endpoint" => Fault.Rewriting((json, _) => json.Remove("token_endpoint")),
        "ftp: authorization endpoint" => Fault.Rewriting((json, _) => json["authorization_endpoint"] = "ftp://127.0.0.1/authorize"),
        "user in the token endpoint" => Fault.Rewriting((json, _) => json["token_endpoint"] = "http://user:password@127.0.0.1/token"),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, message: null),
    };

    private static Fault KeysFault(string name) => name switch
    {
        "101 keys" => Rewritten((keys, key) => Enumerable.Range(0, 100).ToList().ForEach(i => keys.Add(With(key, "kid", $"{i}")))),
        "oct" => Rewritten((keys, key) => keys[0] = new JsonObject { ["kty"] = "oct", ["k"] = key["n"]!.DeepClone(), ["kid"] = key["kid"]!.DeepClone() }),
        "private part" => Rewritten((_, key) => key["d"] = "AQAB"),
        "kid twice" => Rewritten((keys, key) => keys.Add(key.DeepClone())),
        "another key of that kid" => Rewritten((_, key) => key["n"] = IdTokenForgeries.OtherModulus),
        "1024 bits" => Rewritten((_, key) => key["n"] = key["n"]!.GetValue<string>()[..171]),
        "for encryption" => Rewritten((_, key) => key["use"] = "enc"),
        "300 KB" => Rewritten((_, key) => key["x"] = new string('x', 300 * 1024)),
        "html" => Fault.Html(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, message: null),
    };

    private static Fault Rewritten(Action<JsonArray, JsonObject> change) =>
        Fault.Rewriting((json, _) => change((JsonArray)json["keys"]!, (JsonObject)json["keys"]![0]!));

    private static JsonObject With(JsonObject key, string member, string value)
    {
        var changed = (JsonObject)key.DeepClone();
        changed[member] = value;
        return changed;
    }

    public sealed class Scene : IAsyncLifetime
    {
        internal VaultClock Clock { get; } = new(TimeProvider.System.GetUtcNow());

        internal FakeProvider Provider { get; private set; } = null!;

        public async Task InitializeAsync() => Provider = await FakeProvider.StartAsync(time: Clock);

        public Task DisposeAsync() => Provider.DisposeAsync().AsTask();
    }
}
