using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Connections.Quirks;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.Connections;

/// <summary>The catalogue's schema: what an entry must have, and that every slip of the pen is found when it is loaded.</summary>
public sealed class ProviderCatalogTests
{
    private static readonly ProviderCatalog Catalog = ProviderCatalog.Load();

    public static TheoryData<string> Strategies => [.. Catalog.All.Select(provider => provider.Strategy)];

    [Fact]
    public void There_are_at_least_45_providers_beside_the_custom_ones() => Catalog.All.Count(provider => !provider.Custom).ShouldBeGreaterThanOrEqualTo(45);

    [Theory]
    [InlineData("google-oauth2", "google-apps", "windowslive", "waad", "github", "slack", "box", "dropbox", "linkedin", "facebook", "twitter")]
    [InlineData("salesforce", "salesforce-sandbox", "salesforce-community", "fitbit", "spotify", "stripe-connect", "amazon", "thirtysevensignals")]
    [InlineData("bitbucket", "digitalocean", "discord", "figma", "freshbooks", "hugging-face", "paypal", "snapchat", "tumblr", "twitch", "notion")]
    [InlineData("atlassian", "asana", "hubspot", "zoom", "linear", "gitlab", "zoho", "reddit", "shopify", "strava", "zendesk", "quickbooks", "xero")]
    [InlineData("airtable", "calendly", "intercom", "monday", "clickup", "docusign", "oauth2", "oidc")]
    public void Every_provider_that_was_promised_is_there(params string[] strategies) =>
        strategies.Where(strategy => Catalog.Find(strategy) is null).ShouldBeEmpty();

    [Fact]
    public void Every_file_of_the_folder_is_in_the_program()
    {
        var folder = Path.Combine(SourceTree.Root, "src", "TokenVault.Server", "Connections", "Providers");
        var files = Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        files.ShouldBe(Catalog.All.Select(provider => provider.Strategy + ".json").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_quirk_is_some_providers_and_has_one_task()
    {
        foreach (var quirk in KnownQuirks.All)
        {
            Catalog.All.ShouldContain(provider => provider.Quirks.Contains(quirk.Name), quirk.Name);
            new object?[] { quirk.Answer, quirk.Request, quirk.Upgrade }.Count(function => function is not null).ShouldBe(1, quirk.Name);
            quirk.Documentation.ShouldStartWith("https://");
        }
    }

    [Fact]
    public void Providers_without_a_user_id_or_whose_tokens_do_not_end_are_the_known_ones()
    {
        var providers = Catalog.All.Where(provider => !provider.Custom).ToList();
        providers.Where(provider => !provider.OpenIdConnect && provider.User is null).ShouldBeEmpty();
        providers.Where(provider => provider.AccessTokenLifetime is null).Select(provider => provider.Strategy).Order(StringComparer.Ordinal)
            .ShouldBe(["clickup", "github", "intercom", "mailchimp", "miro", "monday", "notion", "slack", "stripe-connect", "todoist", "webflow", "zendesk"]);
    }

    [Theory]
    [InlineData("strategy", null, "required")]
    [InlineData("display_name", null, "required")]
    [InlineData("documentation", null, "required")]
    [InlineData("pkce", null, "required")]
    [InlineData("rotation_class", null, "required")]
    [InlineData("revocation", null, "required")]
    [InlineData("token_endpoint", null, "authorization_endpoint and token_endpoint")]
    [InlineData("authorization_endpoint", null, "authorization_endpoint and token_endpoint")]
    [InlineData("token_endpoint_auth_method", null, "token_endpoint_auth_method is missing")]
    [InlineData("token_endpiont", "\"https://example.com\"", "token_endpiont")]
    [InlineData("strategy", "\"Slack\"", "a-z")]
    [InlineData("strategy", "\"box\"", "slack.json is the file of box")]
    [InlineData("display_name", "\" \"", "display_name")]
    [InlineData("documentation", "\"http://docs.example/\"", "documentation")]
    [InlineData("documentation", "\"docs.example\"", "documentation")]
    [InlineData("token_endpoint", "\"http://slack.com/token\"", "token_endpoint")]
    [InlineData("token_endpoint", "\"https://user@slack.com/token\"", "token_endpoint")]
    [InlineData("token_endpoint", "\"https://{team}.slack.com/token\"", "token_endpoint")]
    [InlineData("token_endpoint", "null", "authorization_endpoint and token_endpoint")]
    [InlineData("token_endpoint_auth_method", "\"none\"", "token_endpoint_auth_method")]
    [InlineData("rotation_class", "\"sometimes\"", "rotation_class")]
    [InlineData("rotation_class", "\"unknown\"", "rotation_class")]
    [InlineData("scope_separator", "\";\"", "scope_separator")]
    [InlineData("scope_separator", "null", "scope_separator")]
    [InlineData("default_scopes", "[\"a b\"]", "a b")]
    [InlineData("authorize_params", "{\"state\":\"x\"}", "state")]
    [InlineData("token_params", "{\"grant_type\":\"x\"}", "grant_type")]
    [InlineData("refresh_params", "{\"refresh_token\":\"x\"}", "refresh_token")]
    [InlineData("kept_members", "[\"access_token\"]", "access_token")]
    [InlineData("quirks", "[\"slack_mood\"]", "slack_mood")]
    [InlineData("access_token_lifetime", "0", "lifetime")]
    [InlineData("access_token_lifetime", "\"1 hour\"", "access_token_lifetime")]
    [InlineData("user", "{\"id\":[]}", "user.id")]
    [InlineData("user", "{\"email\":[\"x\"]}", "id")]
    [InlineData("user", "{\"id\":[\"x\"],\"endpoint\":\"http://x.example/\"}", "user.endpoint")]
    [InlineData("open_id_connect", "true", "issuer")]
    [InlineData("revocation", "{\"method\":\"POST\"}", "endpoint")]
    [InlineData("revocation", "{\"endpoint\":\"https://slack.com/x\",\"method\":\"PUT\"}", "method")]
    [InlineData("variables", "[{\"name\":\"team\",\"pattern\":\"[a-z]+\",\"example\":\"A\"}]", "team")]
    [InlineData("variables", "[{\"name\":\"team\",\"pattern\":\"[a-z]+\"}]", "example")]
    [InlineData("variables", "[{\"name\":\"team\",\"pattern\":\".*\",\"example\":\"a@b\"}]", "team")]
    public void A_broken_entry_is_refused_when_it_is_loaded_and_named(string member, string? value, string told)
    {
        var entry = Entry("slack");
        entry.Remove(member);
        if (value is not null)
        {
            entry[member] = JsonNode.Parse(value);
        }

        var refusal = Should.Throw<InvalidDataException>(() => Read(("slack.json", entry.ToJsonString())));
        refusal.Message.ShouldContain(told);
        refusal.Message.ShouldContain("slack");
    }

    [Fact]
    public void Every_fault_of_every_file_is_told_at_once()
    {
        var github = Entry("github");
        github["pkce"] = "yes";
        var box = Entry("box");
        box["token_endpoint"] = "nowhere";
        box["scope_separator"] = ";";

        var message = Should.Throw<InvalidDataException>(() => Read(("github.json", github.ToJsonString()), ("box.json", box.ToJsonString()))).Message;

        message.ShouldContain("github.json");
        message.ShouldContain("box: token_endpoint");
        message.ShouldContain("box: scope_separator");
    }

    [Theory]
    [InlineData("{\"strategy\":\"slack\",\"strategy\":\"slack\"}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("")]
    public void What_is_no_entry_is_refused(string json) => Should.Throw<InvalidDataException>(() => Read(("slack.json", json)));

    [Fact]
    public void The_same_strategy_twice_is_refused()
    {
        var json = Entry("slack").ToJsonString();
        Should.Throw<InvalidDataException>(() => Read(("slack.json", json), ("slack.json", json))).Message.ShouldContain("listed 2 times");
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Every_variable_takes_only_what_stays_at_the_provider(string strategy)
    {
        foreach (var variable in Catalog.Find(strategy)!.Variables)
        {
            ProviderVariables.Problem(variable, variable.Example).ShouldBeNull();
            foreach (var hostile in Hostile(variable.Example))
            {
                ProviderVariables.Problem(variable, hostile).ShouldNotBeNull($"{strategy} {variable.Name} {hostile}");
            }
        }
    }

    private static string[] Hostile(string example) =>
    [
        "", " ", "evil.example/", $"evil.example/{example}", $"{example}@evil.example", $"{example}/../..", $"{example}#", $"{example}?x=", $"{example}:8443", $"{example}\n",
        $"{example}%2e", $"{example}\\evil", ".", "..", $".{example}", $"{example}.", "-", "/", "{tid}", "ａcme", new string('a', 254),
    ];

    internal static JsonObject Entry(string strategy)
    {
        var file = Path.Combine(SourceTree.Root, "src", "TokenVault.Server", "Connections", "Providers", strategy + ".json");
        return (JsonObject)JsonNode.Parse(File.ReadAllText(file))!;
    }

    private static ProviderCatalog Read(params (string File, string Json)[] files) =>
        ProviderCatalog.Read(files.Select(file => (file.File, (Stream)new MemoryStream(Encoding.UTF8.GetBytes(file.Json)))));
}
