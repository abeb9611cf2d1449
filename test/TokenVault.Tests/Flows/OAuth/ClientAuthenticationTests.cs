using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>How clients prove who they are at the token endpoint. These tests move the clock.</summary>
public sealed class ClientAuthenticationTests(OAuthVault vault) : IClassFixture<OAuthVault>, IAsyncLifetime
{
    private const string Assertion = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJhbGciOiJub25lIn0.e30.";

    private Application _machine = null!;

    private string Id => _machine.Credentials.ClientId;

    private string Secret => _machine.Credentials.ClientSecret;

    public async Task InitializeAsync()
    {
        await vault.RenewAdminAsync();
        _machine = await MachineAsync("client_secret_post");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task T_CA_03_One_method_at_a_time_and_no_falling_back_to_another()
    {
        for (var combination = 0; combination < 16; combination++)
        {
            var (basic, id, secret, assertion) = ((combination & 1) != 0, (combination & 2) != 0, (combination & 4) != 0, (combination & 8) != 0);
            var body = "grant_type=client_credentials&audience=" + Uri.EscapeDataString(OAuthVault.Audience)
                + (id ? "&client_id=" + Id : "") + (secret ? "&client_secret=" + Secret : "") + (assertion ? Assertion : "");
            var answer = await vault.PostAsync("oauth/token", body, authorization: basic ? Basic(Id, Secret) : null);

            var methods = (basic ? 1 : 0) + (secret ? 1 : 0) + (assertion ? 1 : 0);
            if (methods > 1)
            {
                answer.ShouldBeRefused(400, "invalid_request");
            }
            else if (basic || (id && secret))
            {
                answer.ShouldBeGranted();
            }
            else
            {
                answer.ShouldBeRefused(401, "invalid_client");
            }
        }
    }

    [Theory]
    [InlineData("client_secret_post")]
    [InlineData("client_secret_basic")]
    public async Task Either_way_of_sending_the_secret_is_good_whichever_is_registered(string registered)
    {
        var client = await MachineAsync(registered);

        (await vault.TokenAsync(client, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience))).ShouldBeGranted();
        (await BasicAsync(Basic(client.Credentials.ClientId, client.Credentials.ClientSecret))).ShouldBeGranted();
        (await BasicAsync(Basic(client.Credentials.ClientId, client.Credentials.ClientSecret), "&client_id=" + client.Credentials.ClientId)).ShouldBeGranted();
    }

    [Fact]
    public async Task Another_client_id_beside_the_header_is_a_contradiction() =>
        (await BasicAsync(Basic(Id, Secret), "&client_id=" + vault.Web.Credentials.ClientId)).ShouldBeRefused(400, "invalid_request");

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic %%%")]
    [InlineData("Basic Og==")]
    [InlineData("Basic OnNlY3JldA==")]
    [InlineData("Basic YWJj")]
    [InlineData("Basic AAA6AAA=")]
    [InlineData("basic /////w==")]
    [InlineData("Basic a, Basic b")]
    public async Task T_CA_04_A_malformed_header_never_falls_back_to_the_body(string header)
    {
        var answer = await BasicAsync(header, $"&client_id={Id}&client_secret={Secret}");

        answer.Status.ShouldBeOneOf(400, 401);
        answer["error"].ShouldBeOneOf("invalid_client", "invalid_request");
        (await BasicAsync(header)).ShouldBeRefused(401, "invalid_client");
    }

    [Theory]
    [InlineData("&client_assertion=x")]
    [InlineData("&client_assertion_type=x")]
    [InlineData(Assertion)]
    public async Task T_CA_04_An_assertion_that_does_not_verify_is_never_overlooked(string assertion)
    {
        var credentials = $"&client_id={Id}&client_secret={Secret}";

        (await BasicAsync(null, credentials + assertion)).Status.ShouldBeOneOf(400, 401);
        (await BasicAsync(Basic(Id, Secret), assertion)).Status.ShouldBeOneOf(400, 401);
        var asPublic = await vault.PostAsync("oauth/token", $"grant_type=refresh_token&refresh_token=x&client_id={vault.Spa.Credentials.ClientId}{assertion}");
        asPublic.ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_04_A_client_that_is_set_to_use_a_key_does_not_get_in_by_its_secret()
    {
        var client = await MachineAsync("private_key_jwt");

        (await vault.TokenAsync(client, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience))).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_08_An_unknown_client_and_a_wrong_secret_look_the_same()
    {
        var wrong = await BasicAsync(null, $"&client_id={Id}&client_secret=wrong");
        var unknown = await BasicAsync(null, "&client_id=nobody&client_secret=wrong");
        var none = await BasicAsync(null, $"&client_id={Id}");
        var header = await BasicAsync(Basic("nobody", "wrong"));

        foreach (var answer in (Answer[])[wrong, unknown, none, header])
        {
            answer.ShouldBeRefused(401, "invalid_client");
            answer.Text.ShouldBe(wrong.Text);
            answer.Headers.Select(h => h.Key).ShouldBe(wrong.Headers.Select(h => h.Key), ignoreOrder: true);
        }
    }

    /// <summary>Every refusal costs a commit, so that its time tells nothing; and what the log is spared takes one row, however much it is.</summary>
    [Fact]
    public async Task T_CA_08_T_DO_06_beyond_what_the_log_tells_an_unknown_client_still_costs_a_write_and_no_room()
    {
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));
        var rows = await RowsAsync();
        for (var i = 0; i < 75; i++)
        {
            (await BasicAsync(null, $"&client_id=nobody{i}&client_secret=wrong")).ShouldBeRefused(401, "invalid_client");
        }

        (await RowsAsync() - rows).ShouldBe(60);
        var untraced = (await vault.Server.Storage.ListAsync(new ListQuery("untraced-failure"), default)).ShouldHaveSingleItem();
        untraced.Version.ShouldBe(15);
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));

        async Task<int> RowsAsync() => (await vault.Server.Storage.ReadAuditAsync(0, 100_000, default)).Count;
    }

    [Fact]
    public async Task T_CA_02_Ten_wrong_secrets_and_the_client_has_to_wait_but_no_other_client()
    {
        var victim = await MachineAsync("client_secret_post");
        for (var attempt = 0; attempt < 10; attempt++)
        {
            (await BasicAsync(null, $"&client_id={victim.Credentials.ClientId}&client_secret=wrong{attempt}")).ShouldBeRefused(401, "invalid_client");
        }

        var throttled = await vault.TokenAsync(victim, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience));
        throttled.ShouldBeRefused(429, "too_many_requests");
        int.Parse(throttled.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture).ShouldBeInRange(1, 60);
        (await BasicAsync(Basic(Id, Secret))).ShouldBeGranted();

        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));
        (await vault.TokenAsync(victim, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience))).ShouldBeGranted();
    }

    [Fact]
    public async Task T_CA_02_No_secret_and_no_token_stands_in_the_data_directory()
    {
        var tokens = await vault.SignInAsync(vault.Web);
        var secrets = (string[])[Secret, vault.Web.Credentials.ClientSecret, tokens["refresh_token"]!, tokens["access_token"]!, OAuthVault.Password];

        foreach (var file in Directory.EnumerateFiles(vault.Server.DataDirectory, "vault.db*").Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var content = await reader.ReadToEndAsync();
            secrets.ShouldAllBe(secret => !content.Contains(secret, StringComparison.Ordinal));
        }

        secrets.ShouldAllBe(secret => !vault.Server.Log.Text.Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rotated_secret_is_good_at_once_and_the_former_is_not()
    {
        var client = await MachineAsync("client_secret_post");
        var rotated = await vault.Admin.PostAsync($"clients/{client.Credentials.ClientId}/rotate-secret", new JsonObject());
        var renewed = new Application(vault.Api, Credentials.Of(rotated.Json));

        (await vault.TokenAsync(client, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience))).ShouldBeRefused(401, "invalid_client");
        (await vault.TokenAsync(renewed, ("grant_type", Wire.ClientCredentials), ("audience", OAuthVault.Audience))).ShouldBeGranted();
    }

    [Fact]
    public async Task A_header_is_form_encoded_before_it_is_joined()
    {
        var secret = "a:b+c d%é~ " + new string('x', 40);
        secret = new string([.. secret.Where(c => c is > ' ' and <= '~')]);
        var client = await vault.Admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Own secret",
            ["app_type"] = "non_interactive",
            ["client_secret"] = secret,
        });
        await GrantAsync((string)client["client_id"]!);

        (await BasicAsync(Basic(Uri.EscapeDataString((string)client["client_id"]!), Uri.EscapeDataString(secret)))).ShouldBeGranted();
    }

    private async Task<Application> MachineAsync(string method)
    {
        var client = Credentials.Of(await vault.Admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Machine",
            ["app_type"] = "non_interactive",
            ["token_endpoint_auth_method"] = method,
        }));
        await GrantAsync(client.ClientId);
        return new Application(vault.Api, client);
    }

    private Task<JsonNode> GrantAsync(string clientId) => vault.Admin.CreateAsync("client-grants", new JsonObject
    {
        ["client_id"] = clientId,
        ["audience"] = OAuthVault.Audience,
        ["scope"] = new JsonArray("read:calendar"),
    });

    private Task<Answer> BasicAsync(string? authorization, string more = "") =>
        vault.PostAsync("oauth/token", $"grant_type=client_credentials&audience={Uri.EscapeDataString(OAuthVault.Audience)}{more}", authorization: authorization);

    private static string Basic(string id, string secret) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{id}:{secret}"));
}
