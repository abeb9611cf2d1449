using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Conformance;

/// <summary>OpenID Connect Config OP.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-config-certification-test-plan")]
public sealed class DiscoveryTests(ConformanceScene scene)
{
    [Module("oidcc-discovery-endpoint-verification")]
    public async Task oidcc_discovery_endpoint_verification()
    {
        var metadata = await scene.MetadataAsync();
        ((string?)metadata["issuer"]).ShouldBe(scene.Issuer);
        foreach (var endpoint in (string[])["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"])
        {
            new Uri((string)metadata[endpoint]!).Scheme.ShouldBe("https", endpoint);
        }

        ConformanceScene.Texts(metadata["response_types_supported"]).ShouldContain("code");
        ConformanceScene.Texts(metadata["grant_types_supported"]).ShouldContain(Wire.AuthorizationCode);
        ConformanceScene.Texts(metadata["subject_types_supported"]).ShouldBeSubsetOf(["public", "pairwise"]);
        ConformanceScene.Texts(metadata["id_token_signing_alg_values_supported"]).ShouldContain("RS256");
        ConformanceScene.Texts(metadata["scopes_supported"]).ShouldContain("openid");
        ConformanceScene.Texts(metadata["claims_supported"]).ShouldContain("sub");
        metadata["request_uri_parameter_supported"]!.GetValue<bool>().ShouldBeFalse();
        var keys = (await scene.Vault.GetAsync(".well-known/jwks.json")).Json["keys"]!.AsArray();
        keys.ShouldNotBeEmpty();
        keys.ShouldAllBe(key => key!["d"] == null && key["k"] == null);
    }
}
