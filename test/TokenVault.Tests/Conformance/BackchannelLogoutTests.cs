using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Conformance;

/// <summary>OpenID Connect Back-Channel Logout.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-backchannel-rp-initiated-logout-certification-test-plan")]
public sealed class BackchannelLogoutTests(ConformanceScene scene)
{
    [Module("oidcc-backchannel-logout-discovery-endpoint-verification")]
    public async Task oidcc_backchannel_logout_discovery_endpoint_verification()
    {
        var metadata = await scene.MetadataAsync();
        metadata["backchannel_logout_supported"]!.GetValue<bool>().ShouldBeTrue();
        metadata["backchannel_logout_session_supported"]!.GetValue<bool>().ShouldBeTrue();
        ((string?)metadata["end_session_endpoint"]).ShouldNotBeNull();
    }

    [Module("oidcc-backchannel-rp-initiated-logout")]
    public async Task oidcc_backchannel_rp_initiated_logout()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await scene.Vault.RenewAdminAsync();
        var logout = new JsonObject { ["backchannel_logout_urls"] = new JsonArray(receiver.Address) };
        var client = await scene.Vault.ClientAsync("Told", new JsonObject { ["oidc_logout"] = logout });
        using var browser = await scene.Vault.SignedInBrowserAsync();
        var tokens = await scene.Vault.SignInAsync(client, "openid", browser: browser);
        await scene.Vault.GetAsync("oidc/logout?id_token_hint=" + tokens["id_token"], browser: browser);
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count == 1));

        var delivery = receiver.Accepted.Single();
        delivery.Headers.ContentType.ToString().ShouldBe("application/x-www-form-urlencoded");
        var claims = await scene.Vault.VerifiedClaimsAsync(QueryHelpers.ParseQuery(delivery.Body)["logout_token"]);
        var id = Answers.Claims(tokens["id_token"]);
        foreach (var claim in (string[])["iss", "aud", "sub", "sid"])
        {
            ((string?)claims[claim]).ShouldBe((string?)id[claim], claim);
        }

        claims["iat"].ShouldNotBeNull();
        ((string?)claims["jti"]).ShouldNotBeNullOrEmpty();
        claims["events"]!["http://schemas.openid.net/event/backchannel-logout"]!.AsObject().ShouldBeEmpty();
        claims.ContainsKey("nonce").ShouldBeFalse();
    }
}
