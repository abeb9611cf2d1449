using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Conventions;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>T-UP-09: a restriction on whom a provider may name holds on every path, or it is none.</summary>
public sealed class UpstreamRestrictionTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData("oidc", "sub", "ada", true)]
    [InlineData("oidc", "sub", "grace", false)]
    [InlineData("oidc", "hd", "example.com", false)]
    [InlineData("oauth2", "sub", "ada", true)]
    [InlineData("oauth2", "sub", "grace", false)]
    [InlineData("oauth2", "hd", "example.com", false)]
    public async Task T_UP_09_A_required_claim_is_required_for_sign_in_for_connecting_and_for_linking(string strategy, string claim, string value, bool passes)
    {
        var connection = await scene.NewConnectionAsync(strategy, options => options["required_claims"] = new JsonObject { [claim] = new JsonArray("other", value) });
        using var browser = scene.Vault.NewBrowser();
        var user = await scene.NewUserAsync();

        var (signedIn, _) = await scene.AuthorizeAsync(browser, connection);
        var connected = await user.Browser.GoAsync((await user.BeginAsync(new() { ["connection"] = connection })).Link, Operator.Callback);

        var (linked, _) = await scene.App.AuthorizeAsync(
            user.Browser, "", "", audience: null, "openid link_account", [new("requested_connection", connection), new("id_token_hint", user.IdToken!)]);

        signedIn["error"].ShouldBe(passes ? null : "server_error");
        connected["error"].ShouldBe(passes ? null : "server_error");
        (connected["connect_code"] is not null).ShouldBe(passes);
        linked["error"].ShouldBe(passes ? null : "server_error", linked.Url);
        (linked["code"] is not null).ShouldBe(passes);
        (await scene.UserAsync(user.Id))["identities"]!.AsArray().Count.ShouldBe(passes ? 2 : 1);
    }

    [Fact]
    public void T_UP_09_Whoever_learns_an_identity_has_it_judged_in_the_one_place()
    {
        var sources = SourceTree.Files("src/TokenVault.Server").ToDictionary(
            file => SourceTree.Name(file)["src/TokenVault.Server/".Length..], file => File.ReadAllText(file), StringComparer.Ordinal);
        var makers = sources.Where(source => source.Value.Contains("new ProviderIdentity(", StringComparison.Ordinal)).ToList();

        // A refresh is told whose account is stored, for what it learns to be compared with.
        makers.Select(source => source.Key).Order(StringComparer.Ordinal)
            .ShouldBe(["Connections/IdTokenVerifier.cs", "Connections/ProviderUsers.cs", "Tokensets/RefreshCall.cs"]);
        makers.Where(source => source.Key.StartsWith("Connections/", StringComparison.Ordinal))
            .ShouldAllBe(source => source.Value.Contains("ValidateUpstreamIdentity.Problem(", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("example.com", 200)]
    [InlineData("elsewhere.example", 503)]
    public async Task T_UP_09_A_refresh_that_names_somebody_whom_the_connection_does_not_allow_is_not_used(string domain, int status)
    {
        var connection = await scene.NewConnectionAsync(options: options => options["required_claims"] = new JsonObject { ["hd"] = new JsonArray("example.com") });
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("hd", "example.com"));
        var user = await scene.SignInAsync(connection);
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.IdTokenClaim("hd", domain));

        var answer = await user.ExchangeAsync(connection);

        (answer.Status == 200).ShouldBe(status == 200, answer.Text);
    }

    [Fact]
    public async Task Options_for_sign_in_are_read_back_as_they_were_written()
    {
        var claims = new JsonObject { ["hd"] = new JsonArray("example.com") };
        var connection = await scene.NewConnectionAsync(options: options =>
        {
            options["required_claims"] = claims.DeepClone();
            options["allowed_scopes"] = new JsonArray("calendar.write");
            options["set_user_root_attributes"] = "on_first_login";
        });

        var read = (await (await scene.AdminAsync()).GetAsync("connections?name=" + connection)).Json[0]!["options"]!;

        read["required_claims"]!.ToJsonString().ShouldBe(claims.ToJsonString());
        read["allowed_scopes"]!.ToJsonString().ShouldBe("""["calendar.write"]""");
        ((string?)read["set_user_root_attributes"]).ShouldBe("on_first_login");
    }
}
