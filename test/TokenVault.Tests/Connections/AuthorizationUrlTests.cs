using TokenVault.Server.Connections;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Connections;

/// <summary>Who has the last word on the parameters of an authorization request: the flow, then the operator, the catalogue, the application.</summary>
public sealed class AuthorizationUrlTests
{
    private static readonly ProviderCatalog Catalog = ProviderCatalog.Load();

    [Fact]
    public void An_applications_standard_parameters_reach_the_provider_and_no_others()
    {
        var query = Build("github", new() { ["login_hint"] = "ada@example.com", ["ui_locales"] = "fr", ["foo"] = "bar", ["state"] = "evil", ["client_id"] = "evil" });

        (query["login_hint"], query["ui_locales"], query["state"], query["client_id"]).ShouldBe(("ada@example.com", "fr", "state-1", "up"));
        query.ShouldNotContainKey("foo");
    }

    [Fact]
    public void The_catalogue_goes_before_the_application() =>
        Build("google-oauth2", new() { ["prompt"] = "none", ["access_type"] = "online" })["prompt"].ShouldBe("consent");

    [Theory]
    [InlineData("""{"prompt":{"value":"select_account consent"}}""", "prompt", "select_account consent")]
    [InlineData("""{"audience":{"value":"https://api.example/"}}""", "audience", "https://api.example/")]
    [InlineData("""{"hd":{"alias":"login_hint"}}""", "hd", "ada@example.com")]
    [InlineData("""{"hd":{"alias":"acr_values"}}""", "hd", null)]
    [InlineData("""{"state":{"value":"evil"}}""", "state", "state-1")]
    [InlineData("""{"redirect_uri":{"value":"https://evil.example/"}}""", "redirect_uri", Upstream.RedirectUri)]
    [InlineData("""{"client_secret":{"value":"x"}}""", "client_secret", null)]
    [InlineData("""{"scope":{"value":"everything"}}""", "scope", "openid email")]
    public void The_operators_upstream_params_go_before_the_catalogue_and_not_before_the_flow(string upstreamParams, string name, string? value) =>
        Build("google-oauth2", new() { ["login_hint"] = "ada@example.com" }, new() { UpstreamParams = Upstream.Params(upstreamParams) }, "openid", "email")
            .GetValueOrDefault(name).ShouldBe(value);

    [Theory]
    [InlineData("slack", "user_scope", "a,b")]
    [InlineData("github", "scope", "a b")]
    [InlineData("linear", "scope", "a,b")]
    public void Scopes_are_spelled_as_the_provider_reads_them(string strategy, string name, string value) =>
        Build(strategy, [], scopes: ["a", "b"])[name].ShouldBe(value);

    [Theory]
    [InlineData("github", null, true)]
    [InlineData("github", false, false)]
    [InlineData("slack", null, false)]
    [InlineData("slack", true, true)]
    public void Pkce_is_as_the_operator_says_else_as_the_catalogue(string strategy, bool? option, bool sent) =>
        Build(strategy, [], new() { Pkce = option }).ContainsKey("code_challenge").ShouldBe(sent);

    [Fact]
    public void A_connections_own_query_parameters_stay() =>
        Build("facebook", [], endpoint: "https://www.facebook.com/v22.0/dialog/oauth?display=page")["display"].ShouldBe("page");

    private static Dictionary<string, string> Build(
        string strategy, Dictionary<string, string> parameters, ConnectionOptions? options = null, params string[] scopes) =>
        Build(strategy, parameters, endpoint: null, options, scopes);

    private static Dictionary<string, string> Build(
        string strategy, Dictionary<string, string> parameters, string? endpoint, ConnectionOptions? options = null, params string[] scopes)
    {
        var provider = Catalog.Find(strategy)!;
        var connection = new Connection { Id = "con_1", Name = "acme", Strategy = strategy, Options = (options ?? new()) with { ClientId = "up" } };
        var request = Upstream.Authorize(scopes) with { Parameters = parameters };
        return PendingConnect.Query(AuthorizationUrl.Build(new Uri(endpoint ?? provider.AuthorizationEndpoint!), connection, provider, request, scopes));
    }
}
