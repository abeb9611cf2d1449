using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.Tokensets;
using TokenVault.Tests.Connections.Behaviours;

namespace TokenVault.Tests.Connections;

/// <summary>Every provider of the catalogue against its double: connect, exchange, refresh, lose the grant, revoke.</summary>
public sealed class CatalogFlowTests(CatalogScene scene) : IClassFixture<CatalogScene>
{
    private ProviderDouble Double => scene.Double;

    public static TheoryData<string> Strategies => [.. ProviderCatalog.Load().All.Where(provider => !provider.Custom).Select(provider => provider.Strategy)];

    [Theory]
    [MemberData(nameof(Strategies))]
    public async Task A_provider_works_from_the_consent_to_the_revocation(string strategy)
    {
        var behaviour = KnownBehaviours.All[strategy];
        var connection = await scene.AddProviderAsync(behaviour);
        var account = await scene.ConnectAsync(connection);
        await IsTheRightAccountAsync(account);

        var first = await ExchangeAsync(connection);
        Double.Grants.Find(first["access_token"]!).ShouldNotBeNull();
        Double.Grants.Upgrades.ShouldBe(behaviour.Upgrades ? 1 : 0);
        first.Json["expires_in"]!.GetValue<long>().ShouldBeInRange(1, behaviour.Lifetime ?? 3600);
        behaviour.Comes.ShouldAllBe(member => first[member.Split('=', 2)[0]] == member.Split('=', 2)[1]);

        await RefreshesAsync(account, connection, first);
        await RevokesAsync(account);
        await DiesAsync(connection);
        Double.Refusals.Where(refusal => !refusal.EndsWith("not valid", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_UP_15_Where_an_access_token_is_what_ends_a_grant_an_outage_costs_the_rotated_token_nothing()
    {
        var account = await scene.ConnectAsync(await scene.AddProviderAsync(KnownBehaviours.All["zoom"], "zoom-in-trouble"));
        await scene.ExpireAsync(account);
        Double.RevocationOutages = 1;

        var first = await scene.RevocationAsync(account);
        (first.State, Double.Grants.Refreshes, Double.Revoked.Count).ShouldBe((RevocationState.Pending, 1, 0));

        // In small steps once it is due: the call itself must not be overtaken by its deadline.
        scene.Clock.Advance(TimeSpan.FromMinutes(1));
        await scene.TickUntilAsync(() => Task.FromResult(Double.Revoked.Count == 1));
        Double.Grants.Refreshes.ShouldBe(2);
    }

    [Fact]
    public void The_catalogue_and_the_descriptions_agree_on_what_becomes_of_refresh_tokens()
    {
        foreach (var behaviour in KnownBehaviours.All.Values)
        {
            ProviderCatalog.Load().Find(behaviour.Strategy)!.RotationClass.ToString().ShouldBe(behaviour.Rotation.ToString(), behaviour.Strategy);
        }
    }

    [Theory]
    [InlineData("salesforce", "domain", "evil.example")]
    [InlineData("salesforce", "domain", "acme.my.salesforce.com.evil.example")]
    [InlineData("salesforce", "domain", "acme.my.salesforce.com/x")]
    [InlineData("salesforce-community", "domain", "evil.example/partners")]
    [InlineData("zendesk", "subdomain", "acme.evil")]
    [InlineData("zendesk", "subdomain", "evil.example/")]
    [InlineData("shopify", "shop", "evil.example#")]
    [InlineData("waad", "tenant_domain", "common/../evil")]
    [InlineData("google-apps", "tenant_domain", "example.com&x=y")]
    [InlineData("zoho", "data_center", "zoho.example")]
    [InlineData("gitlab", "domain", "gitlab.example.com:8443")]
    [InlineData("gitlab", "domain", "127.0.0.1@evil.example")]
    [InlineData("docusign", "environment", "account.evil")]
    public async Task T_MG_05_a_value_that_leads_out_of_the_provider_is_refused(string strategy, string name, string value)
    {
        var body = new JsonObject { ["name"] = "hostile", ["strategy"] = strategy, ["options"] = new JsonObject { [name] = value, ["client_id"] = "x" } };
        var answer = await (await scene.AdminAsync()).PostAsync("connections", body);
        (answer.Status, answer["errorCode"]).ShouldBe((400, "invalid_body"), answer.Text);
        answer["message"]!.ShouldContain(name);
    }

    [Theory]
    [InlineData("zendesk", "subdomain")]
    [InlineData("shopify", "shop")]
    [InlineData("salesforce-community", "domain")]
    public async Task What_only_the_operator_can_know_is_asked_for(string strategy, string name)
    {
        var answer = await (await scene.AdminAsync()).PostAsync("connections", new JsonObject { ["name"] = "lacking", ["strategy"] = strategy, ["options"] = new JsonObject { ["client_id"] = "x" } });
        (answer.Status, answer["message"]!.Contains(name, StringComparison.Ordinal)).ShouldBe((400, true), answer.Text);
    }

    [Fact]
    public async Task A_secret_does_not_move_to_another_tenant_without_being_given_again()
    {
        var admin = await scene.AdminAsync();
        var options = new JsonObject { ["client_id"] = "x", ["client_secret"] = "y", ["subdomain"] = "acme" };
        var connection = await admin.CreateAsync("connections", new JsonObject { ["name"] = "moving", ["strategy"] = "zendesk", ["options"] = options });
        var path = $"connections/{connection["id"]}";
        ((string?)connection["options"]!["subdomain"]).ShouldBe("acme");

        var moved = new JsonObject { ["client_id"] = "x", ["subdomain"] = "evil" };
        (await admin.PatchAsync(path, new JsonObject { ["options"] = moved.DeepClone() })).Status.ShouldBe(400);
        moved["client_secret"] = "z";
        (await admin.PatchAsync(path, new JsonObject { ["options"] = moved })).Status.ShouldBe(200);
    }

    private async Task IsTheRightAccountAsync(string account)
    {
        var behaviour = Double.Behaviour;
        var row = await scene.RowAsync(account);
        (row.UpstreamUserId, row.UpstreamEmail).ShouldBe((behaviour.UserId, behaviour.Email));
        (behaviour.Tenant is null || row.Issuer!.EndsWith("/" + behaviour.Tenant, StringComparison.Ordinal)).ShouldBeTrue(row.Issuer);
        (behaviour.OpenId is null || row.Issuer == behaviour.OpenId.Issuer).ShouldBeTrue(row.Issuer);
        row.HasRefreshToken.ShouldBe(behaviour.Rotation != RefreshRule.None);

        // Granted as asked for, whatever the provider's spelling.
        behaviour.Asks.Concat(behaviour.Needs).Except(row.Scopes).ShouldBeEmpty();
        var expires = row.AccessTokenExpiresAt - scene.Clock.GetUtcNow();
        (expires?.TotalSeconds).ShouldBe(behaviour.Lifetime);
    }

    private async Task RefreshesAsync(string account, string connection, Answer first)
    {
        var behaviour = Double.Behaviour;
        if (behaviour.Lifetime is null)
        {
            (await ExchangeAsync(connection))["access_token"].ShouldBe(first["access_token"]);
            return;
        }

        if (behaviour.Rotation == RefreshRule.None)
        {
            return;
        }

        // Twice: the second time with what the first one brought.
        for (var round = 1; round <= 2; round++)
        {
            await scene.ExpireAsync(account);
            var answer = await ExchangeAsync(connection);
            Double.Grants.Find(answer["access_token"]!).ShouldNotBeNull();
            answer["access_token"].ShouldNotBe(first["access_token"]);
            Double.Grants.Refreshes.ShouldBe(round);
            ((await scene.RowAsync(account)).AccessTokenExpiresAt - scene.Clock.GetUtcNow())!.Value.TotalSeconds.ShouldBe(behaviour.Lifetime!.Value);
        }
    }

    private async Task RevokesAsync(string account)
    {
        var revocation = await scene.RevocationAsync(account);
        var supported = Double.Behaviour.Revocation is not null;
        revocation.State.ShouldBe(supported ? RevocationState.Revoked : RevocationState.NotSupported, $"{revocation.Problem}; {string.Join("; ", Double.Refusals)}");
        Double.Revoked.Count.ShouldBe(supported ? 1 : 0);
    }

    /// <summary>Connected anew; then the person withdraws the grant at the provider, which says so in its own words.</summary>
    private async Task DiesAsync(string connection)
    {
        if (Double.Behaviour is { Rotation: RefreshRule.None } or { Lifetime: null })
        {
            return;
        }

        var account = await scene.ConnectAsync(connection);
        Double.Grants.Withdraw();
        await scene.ExpireAsync(account);
        var answer = await scene.User.ExchangeAsync(connection);
        answer["reason"].ShouldBe("reauthorization_required", answer.Text);
    }

    private async Task<Answer> ExchangeAsync(string connection)
    {
        var answer = await scene.User.ExchangeAsync(connection);
        answer.Status.ShouldBe(200, $"{answer.Text}; {string.Join("; ", Double.Refusals)}");
        return answer;
    }
}
