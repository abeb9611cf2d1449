using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Malformed requests to the token endpoint: the documented error, never a 5xx, never a guess.</summary>
public sealed class TokenRequestTests(OAuthVault vault) : IClassFixture<OAuthVault>, IAsyncLifetime
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Json = "application/json";

    /// <summary>@f and @j stand for a good form and the members of a good JSON body.</summary>
    private static readonly (string Type, string Body)[] Malformed =
    [
        // Repeated.
        (Form, "@f&grant_type=client_credentials"), (Form, "@f&client_id=other"), (Form, "@f&client_secret=x"), (Form, "@f&audience=https://other.example/"),
        (Form, "@f&scope=a&scope=b"), (Form, "@f&scope=a&scope=a"), (Form, "@f&grant%5Ftype=password"), (Form, "@f&%67rant_type=x"), (Form, "@f&x=1&x=2"),
        (Form, "@f&refresh_token=a&refresh_token=b"), (Form, "@f&subject_token=a&subject_token=b"), (Form, "@f&code=a&code=b"), (Form, "@f&client_id=@id"),
        (Json, "{@j,\"grant_type\":\"client_credentials\"}"), (Json, "{@j,\"client_id\":\"other\"}"), (Json, "{@j,\"grant\\u005ftype\":\"password\"}"),
        (Json, "{@j,\"x\":1,\"x\":2}"), (Json, "{@j,\"scope\":\"a\",\"scope\":null}"), (Json, "{@j,\"x\":{\"y\":1,\"y\":2}}"),

        // Missing.
        (Form, ""), (Form, "grant_type="), (Form, "&&&"), (Form, "="), (Form, "client_id=@id&client_secret=@secret"), (Json, "{}"), (Json, "{\"grant_type\":null}"),
        (Json, "{\"grant_type\":\"\"}"), (Form, "Grant_Type=client_credentials"), (Form, " grant_type=client_credentials"),

        // Wrong types.
        (Json, "{@j,\"scope\":[\"a\"]}"), (Json, "{@j,\"scope\":1}"), (Json, "{@j,\"scope\":true}"), (Json, "{@j,\"scope\":{}}"),
        (Json, "{\"grant_type\":[\"client_credentials\"]}"), (Json, "{\"grant_type\":1}"), (Json, "{\"grant_type\":\"client_credentials\",\"client_id\":[\"@id\"],\"client_secret\":\"@secret\"}"),
        (Json, "{\"grant_type\":\"client_credentials\",\"client_id\":\"@id\",\"client_secret\":{\"$ne\":\"\"}}"), (Json, "{@j,\"resource\":[\"a\",\"b\"]}"), (Json, "{@j,\"client_assertion\":[]}"),

        // Not JSON, or not an object.
        (Json, ""), (Json, "null"), (Json, "[]"), (Json, "\"grant_type\""), (Json, "1"), (Json, "{@j"), (Json, "{@j}x"), (Json, "{@j,}"), (Json, "{@j}{}"), (Json, "{'grant_type':'x'}"),
        (Json, "{@j,\"x\":NaN}"), (Json, "{@j,\"x\":01}"), (Json, "{@j /* x */}"), (Json, "// x\n{@j}"), (Json, "{@j,\"x\":\"\\ud800\"}"), (Json, "{@j,\"scope\":\"\\ud800\"}"),
        (Json, "{@j,\"x\":\"\\u0000\"}"), (Json, "{@j,\"x\":\"\u0001\"}"), (Json, "\ufeff{@j}"), (Json, "{@j,\"\\ud800\":1}"), (Json, "@f"),

        // Other content.
        (Form, "{@j}"), (Form, "@f&x=%00"), (Form, "@f&%00=1&%00=2"), ("text/plain", "@f"), ("text/json", "{@j}"), ("multipart/form-data; boundary=x", "@f"), ("application/xml", "<x/>"), ("", "@f"),
        ("application/json-patch+json", "{@j}"), ("application/x-www-form-urlencoded-x", "@f"),
    ];

    private Credentials _machine = null!;

    public async Task InitializeAsync()
    {
        _machine = Credentials.Of(await vault.Admin.CreateAsync("clients", new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" }));
        await vault.Admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = _machine.ClientId,
            ["audience"] = OAuthVault.Audience,
            ["scope"] = new JsonArray("read:calendar"),
        });
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task T_ST_12_What_is_repeated_missing_mistyped_or_malformed_is_an_invalid_request()
    {
        Malformed.Length.ShouldBeGreaterThanOrEqualTo(50);
        (await SendAsync(Form, "@f")).ShouldBeGranted();
        (await SendAsync(Json, "{@j}")).ShouldBeGranted();
        foreach (var (type, body) in Malformed)
        {
            var answer = await SendAsync(type, body);
            answer.Status.ShouldBe(400, $"{type}: {body}\n{answer.Text}");
            answer.ShouldBeRefused(400, "invalid_request");
        }
    }

    [Theory]
    [InlineData(Json + "; charset=utf-8", "{@j}")]
    [InlineData("Application/JSON", "{@j}")]
    [InlineData(Form + ";charset=UTF-8", "@f")]
    [InlineData(Form, "@f&scope=&connection=&x")]
    [InlineData(Form, "@f&unknown=1&Scope=x")]
    [InlineData(Json, "{@j,\"scope\":null,\"unknown\":[1,{\"a\":2}],\"n\":1e400}")]
    [InlineData(Json, "\r\n\t {@j} \n")]
    public async Task What_is_harmless_is_let_through(string type, string body) => (await SendAsync(type, body)).ShouldBeGranted();

    [Fact]
    public async Task T_ST_12_Parameters_in_the_address_do_not_count()
    {
        var query = Fill("?@f");
        (await vault.PostAsync("oauth/token" + query, "")).ShouldBeRefused(400, "invalid_request");
        (await vault.PostAsync("oauth/token" + query, "grant_type=client_credentials")).ShouldBeRefused(401, "invalid_client");
        (await vault.PostAsync("oauth/token?grant_type=refresh_token", Fill("@f"))).ShouldBeGranted();
        (await vault.GetAsync("oauth/token" + query)).Status.ShouldBe(405);
    }

    [Fact]
    public async Task T_ST_12_Bytes_that_are_no_UTF_8_are_refused()
    {
        foreach (var type in (string[])[Form, Json])
        {
            var body = Encoding.Latin1.GetBytes(Fill(type == Form ? "@f&x=\u00ff" : "{@j,\"x\":\"\u00ff\"}"));
            var content = new ByteArrayContent(body);
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            (await vault.SendAsync(new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "oauth/token") { Content = content })).ShouldBeRefused(400, "invalid_request");
        }
    }

    [Fact]
    public async Task T_DO_03_Deep_and_wide_bodies_are_refused()
    {
        var deep = Fill("{@j,\"x\":" + new string('[', 20) + new string(']', 20) + "}");
        var deeper = Fill("{@j,\"x\":" + new string('[', 15_000) + new string(']', 15_000) + "}");
        var wide = Fill("{@j," + string.Join(',', Enumerable.Range(0, 300).Select(i => $"\"p{i}\":\"x\"")) + "}");
        var wideForm = Fill("@f&" + string.Join('&', Enumerable.Range(0, 300).Select(i => $"p{i}=x")));

        (await vault.PostAsync("oauth/token", deep, Json)).ShouldBeRefused(400, "invalid_request");
        (await vault.PostAsync("oauth/token", deeper, Json)).ShouldBeRefused(400, "invalid_request");
        (await vault.PostAsync("oauth/token", wide, Json)).ShouldBeRefused(400, "invalid_request");
        (await vault.PostAsync("oauth/token", wideForm)).ShouldBeRefused(400, "invalid_request");
    }

    [Theory]
    [InlineData(33_000, false)]
    [InlineData(33_000, true)]
    [InlineData(100_000, false)]
    [InlineData(100_000, true)]
    public async Task T_DO_03_Bodies_over_32_KiB_are_refused_whether_they_say_so_or_not(int size, bool chunked)
    {
        foreach (var (type, body) in ((string, string)[])[(Form, Fill("@f&x=")), (Json, Fill("{@j,\"x\":\""))])
        {
            var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body.PadRight(size, '[')));
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "oauth/token") { Content = content };
            request.Headers.TransferEncodingChunked = chunked;
            (await vault.SendAsync(request)).ShouldBeRefused(413, "invalid_request");
        }
    }

    [Theory]
    [InlineData("password")]
    [InlineData("implicit")]
    [InlineData("http://auth0.com/oauth/grant-type/mfa-otp")]
    [InlineData("CLIENT_CREDENTIALS")]
    [InlineData("client_credentials ")]
    [InlineData("<script>alert(1)</script>")]
    public async Task An_unknown_grant_is_unsupported(string grant)
    {
        var body = $"grant_type={Uri.EscapeDataString(grant)}&client_id={_machine.ClientId}&client_secret={_machine.ClientSecret}";
        (await vault.PostAsync("oauth/token", body)).ShouldBeRefused(400, "unsupported_grant_type");
    }

    [Theory]
    [InlineData("authorization_code")]
    [InlineData("refresh_token")]
    [InlineData("urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token")]
    public async Task A_grant_that_the_client_was_not_given_is_not_allowed(string grant)
    {
        var body = $"grant_type={Uri.EscapeDataString(grant)}&client_id={_machine.ClientId}&client_secret={_machine.ClientSecret}&code=x&refresh_token=x";
        var answer = await vault.PostAsync("oauth/token", body);

        answer.ShouldBeRefused(403, "unauthorized_client");
        answer["error_description"].ShouldBe($"Grant type '{grant}' not allowed for the client.");
    }

    private Task<Answer> SendAsync(string type, string body) => vault.PostAsync("oauth/token", Fill(body), type);

    private string Fill(string template)
    {
        var (id, secret) = (_machine.ClientId, _machine.ClientSecret);
        return template
            .Replace("@f", $"grant_type=client_credentials&client_id={id}&client_secret={secret}&audience={Uri.EscapeDataString(OAuthVault.Audience)}", StringComparison.Ordinal)
            .Replace("@j", $"\"grant_type\":\"client_credentials\",\"client_id\":\"{id}\",\"client_secret\":\"{secret}\",\"audience\":\"{OAuthVault.Audience}\"", StringComparison.Ordinal)
            .Replace("@id", id, StringComparison.Ordinal).Replace("@secret", secret, StringComparison.Ordinal);
    }
}
