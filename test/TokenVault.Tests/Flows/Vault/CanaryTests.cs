using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.LogStreams;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Every secret that passes through the server, looked for afterwards where none may be.</summary>
public sealed class CanaryTests(TalkativeScene scene) : IClassFixture<TalkativeScene>
{
    private readonly Dictionary<string, string> _canaries = new(StringComparer.Ordinal);
    private readonly List<string> _errors = [];

    [Fact]
    public async Task T_EN_01_No_secret_is_in_the_database_in_the_log_or_in_an_error_in_any_spelling()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        Plant("log stream's signing secret", (string?)(await LogStreamTests.CreateAsync(await scene.AdminAsync(), receiver.Address))["signing_secret"]);
        Plant("log stream's authorization", "receivers-own-token");
        var email = await PlantAsync();
        foreach (var commit in scene.Provider.Commits)
        {
            Plant($"provider access token {commit.Generation} of {commit.GrantId}", commit.AccessToken);
            Plant($"provider refresh token {commit.Generation} of {commit.GrantId}", commit.RefreshToken);
        }

        Plant("provider client secret", scene.Provider.ClientSecret);
        Plant("bootstrap secret", (string)scene.Vault.Bootstrap["client_secret"]!);
        Plant("root key", (await File.ReadAllTextAsync(Path.Combine(scene.Vault.DataDirectory, "root.key"))).Trim());
        await PlantByTheHundredAsync();
        _canaries.Count.ShouldBeGreaterThanOrEqualTo(1_000);

        // What an operator sees of the log, and what is sent of it to somewhere else.
        await VaultScene.UntilAsync(() => Task.FromResult(LogStreamTests.Entries(receiver).Count > 500));
        _errors.AddRange(receiver.Accepted.Select(delivery => delivery.Body));
        var admin = await scene.AdminAsync();
        for (var page = 0; page < 20; page++)
        {
            _errors.Add((await admin.GetAsync($"logs?per_page=100&page={page}")).Text);
        }

        var live = Stored();
        await scene.Vault.RestartAsync();
        var haystacks = live.Concat(Stored()).Append(("the log", Encoding.UTF8.GetBytes(scene.Vault.Log.Text))).ToList();
        scene.Exported().ShouldAllBe(export => export.Content.Length > 1_000);
        haystacks.AddRange(scene.Exported().Select(export => (export.Name, Encoding.Latin1.GetBytes(export.Content))));
        haystacks.AddRange(_errors.Select((text, i) => ($"error {i}: {text[..Math.Min(60, text.Length)]}", Encoding.UTF8.GetBytes(text))));

        // The search finds what is there: the user's address is stored in the clear, in the database and in its log.
        haystacks.Count(stack => CanarySearch.Found(stack.Item2, email)).ShouldBeGreaterThanOrEqualTo(2);
        // All of them in one pass; which one it was matters only when there is one.
        var needles = SearchValues.Create([.. _canaries.Values.SelectMany(CanarySearch.Spellings).Select(Encoding.Latin1.GetString)], StringComparison.Ordinal);
        var hits =
            from stack in haystacks
            where Encoding.Latin1.GetString(stack.Item2).AsSpan().ContainsAny(needles)
            from canary in _canaries
            where CanarySearch.Found(stack.Item2, canary.Value)
            select $"{canary.Key} in {stack.Item1}";
        hits.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("base64")]
    [InlineData("base64url")]
    [InlineData("hex")]
    [InlineData("HEX")]
    [InlineData("utf-16")]
    public void The_search_finds_every_spelling_at_every_offset(string spelling)
    {
        const string secret = "sbx_at_Zm9vYmFy-_0123456789abcdefABCDEF";
        for (var offset = 0; offset < 3; offset++)
        {
            var bytes = Encoding.UTF8.GetBytes(new string('x', offset) + secret + "yz");
            var spelled = spelling switch
            {
                "base64" => Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes)),
                "base64url" => Encoding.ASCII.GetBytes(Base64Url.EncodeToString(bytes)),
                "hex" => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes)),
                "HEX" => Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)),
                "utf-16" => Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(bytes)),
                _ => bytes,
            };
            CanarySearch.Found(spelled, secret).ShouldBeTrue();
            CanarySearch.Found(spelled, secret.Replace('Z', 'Y')).ShouldBeFalse();
        }
    }

    /// <summary>All flows once, successful and failing ones, with a distinctive secret wherever there is one.</summary>
    private async Task<string> PlantAsync()
    {
        var admin = await scene.AdminAsync();
        Plant("management token", admin.Token);
        Plant("application secret", scene.App.Credentials.ClientSecret);
        Plant("API client secret", scene.ApiClient.Credentials.ClientSecret);
        var user = await scene.NewUserAsync();
        Plant("password", user.Password);
        Plant("refresh token", user.RefreshToken);
        Plant("access token", user.AccessToken);
        Plant("access token's signature", user.AccessToken.Split('.')[2]);
        Plant("id token", user.IdToken);
        foreach (System.Net.Cookie cookie in user.Browser.Cookies.GetAllCookies())
        {
            Plant("cookie " + cookie.Name, cookie.Value);
        }

        await ConnectSlowlyAsync(user);
        await user.ConnectAsync(person: "grace");
        await SignInSlowlyAsync(user);
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Status(500), Fault.TruncatedJson(), Fault.Html());
        for (var i = 0; i < 4; i++)
        {
            Note(await user.ExchangeAsync());
        }

        await FailAsync(user);
        await RotateAsync(user);
        return user.Email;
    }

    private async Task ConnectSlowlyAsync(TestUser user)
    {
        var begun = await user.BeginAsync(new JsonObject { ["state"] = "canary-state-of-the-application-0123456789" });
        Plant("auth session", begun.AuthSession);
        Plant("code verifier", begun.Verifier);
        Plant("my account token", begun.Token);
        Plant("ticket", PendingConnect.Query(begun.Link)["ticket"]);
        var callback = (await user.Browser.GoAsync(begun.Link, scene.Vault.Issuer + "login/callback/")).Url;
        Plant("provider code", PendingConnect.Query(callback)["code"]);
        Plant("provider state", PendingConnect.Query(callback)["state"]);
        var visit = await user.Browser.GoAsync(callback, Operator.Callback);
        Plant("connect code", visit["connect_code"]);
        foreach (System.Net.Cookie cookie in user.Browser.Cookies.GetAllCookies())
        {
            Plant("cookie " + cookie.Name, cookie.Value);
        }

        Note(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody("canary-wrong-connect-code-0123456789")));
        (await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"]))).Status.ShouldBe(201);
        Note(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"])));
        scene.Provider.Redemption.Next(Fault.Status(500));
        var failed = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);
        _errors.Add(failed.Url);
    }

    private async Task SignInSlowlyAsync(TestUser user)
    {
        var (visit, verifier) = await scene.App.AuthorizeAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid offline_access");
        Plant("authorization code", visit["code"]);
        Plant("login verifier", verifier);
        Note(await scene.App.RedeemAsync(visit["code"]!, Identifier.Secret()));
        var (again, verifier2) = await scene.App.AuthorizeAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid offline_access");
        Plant("authorization code 2", again["code"]);
        var answer = await scene.App.RedeemAsync(again["code"]!, verifier2);
        Plant("refresh token 2", answer["refresh_token"]);
        Note(await scene.App.RedeemAsync(again["code"]!, verifier2));
        using var browser = scene.Vault.NewBrowser();
        Plant("wrong password", "canary-wrong-password-0123456789");
        var (wrong, _) = await scene.App.AuthorizeAsync(browser, user.Email, "canary-wrong-password-0123456789", VaultScene.Api, "openid");
        _errors.Add(wrong.Html);
    }

    /// <summary>Secrets where they do not belong, and secrets that do not work.</summary>
    private async Task FailAsync(TestUser user)
    {
        const string typed = "canary-typed-in-by-mistake-0123456789";
        Plant("typed in by mistake", typed);
        foreach (var member in (string[])["client_secret", "subject_token", "code", "refresh_token", "code_verifier"])
        {
            foreach (var grant in (string[])[Wire.FederatedExchange, Wire.AuthorizationCode, Wire.RefreshToken, Wire.ClientCredentials])
            {
                Note(await scene.App.TokenAsync(new JsonObject
                {
                    ["grant_type"] = grant,
                    ["subject_token"] = user.RefreshToken,
                    ["subject_token_type"] = Wire.RefreshTokenType,
                    ["connection"] = VaultScene.Calendar,
                    [member] = typed,
                }));
            }
        }

        Note(await scene.App.ExchangeAsync(user.AccessToken, Wire.AccessTokenType, VaultScene.Calendar));
        Note(await scene.ApiClient.ExchangeAsync(user.RefreshToken, Wire.AccessTokenType, VaultScene.Calendar));
        Note(await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, user.AccessToken));
        Note(await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, typed));
        Note(await scene.Vault.Api.SendAsync(HttpMethod.Get, "api/v2/clients", user.AccessToken));
    }

    private async Task RotateAsync(TestUser user)
    {
        var admin = await scene.AdminAsync();
        foreach (var path in (string[])["clients", "connections", "users", $"users/{Uri.EscapeDataString(user.Id)}/federated-connections-tokensets"])
        {
            var listed = await admin.GetAsync(path);
            listed.Text.ShouldNotContain("sbx_");
            listed.Text.ShouldNotContain(user.Password);
        }

        var spare = await admin.CreateApplicationAsync("Spare");
        Plant("spare secret", spare.ClientSecret);
        Plant("rotated secret", (await admin.PostAsync($"clients/{spare.ClientId}/rotate-secret", new JsonObject()))["client_secret"]);
        await scene.App.TokenAsync(new JsonObject { ["grant_type"] = Wire.RefreshToken, ["refresh_token"] = user.RefreshToken });
    }

    /// <summary>Secrets that work and secrets that do not, in every place that takes one.</summary>
    private async Task PlantByTheHundredAsync()
    {
        var admin = await scene.AdminAsync();
        for (var i = 0; i < 140; i++)
        {
            var app = await admin.CreateApplicationAsync($"Application {i}");
            Plant($"application secret {i}", app.ClientSecret);
            Note(await scene.App.TokenAsync(Junk($"code {i}", "code", Wire.AuthorizationCode)));
            Note(await scene.App.TokenAsync(Junk($"refresh token {i}", "refresh_token", Wire.RefreshToken)));
            Note(await scene.App.TokenAsync(Junk($"subject token {i}", "subject_token", Wire.FederatedExchange)));
            Note(await new Application(scene.Vault.Api, app with { ClientSecret = Made($"wrong secret {i}") }).TokenAsync(new JsonObject { ["grant_type"] = Wire.ClientCredentials }));
            Note(await scene.Vault.Api.SendAsync(HttpMethod.Get, "api/v2/clients", Made($"bearer {i}")));
            Note(await scene.Vault.Api.SendAsync(HttpMethod.Get, "connected-accounts/connect?ticket=" + Made($"ticket {i}")));
            await admin.PostAsync("clients", new JsonObject { ["name"] = "x", [Made($"member {i}")] = "x" });
            if (i % 20 == 0)
            {
                await admin.CreateUserAsync($"many-{i}@example.com", Made($"password {i}"));
                var options = scene.Provider.OidcOptions(VaultScene.CalendarScopes);
                options["client_secret"] = Made($"provider client secret {i}");
                await admin.CreateConnectionAsync($"canary-{i}", "oidc", options, scene.App.Credentials);
            }
        }
    }

    private JsonObject Junk(string name, string member, string grant) => new()
    {
        ["grant_type"] = grant,
        ["redirect_uri"] = Operator.Callback,
        ["subject_token_type"] = Wire.RefreshTokenType,
        ["connection"] = VaultScene.Calendar,
        [member] = Made(name),
    };

    private string Made(string name)
    {
        var secret = "canary-" + Identifier.Secret();
        Plant(name, secret);
        return secret;
    }

    private void Plant(string name, string? secret) => _canaries[name] = secret.ShouldNotBeNull(name);

    private void Note(Answer answer)
    {
        if (answer.Status >= 400)
        {
            _errors.Add(answer.Text);
        }
    }

    /// <summary>
    /// The database, its log and whatever else lies beside it, but for the files whose content is a secret, and those that the server
    /// keeps to itself while it runs (the spool is searched in the tests of the spool).
    /// </summary>
    private List<(string Name, byte[] Content)> Stored()
    {
        var stored = new List<(string, byte[])>();
        foreach (var file in Directory.GetFiles(scene.Vault.DataDirectory, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "root.key" or "bootstrap.json" or "server.key" or "ca.key" or "vault.db.lock" or "refresh.spool" or "control.sock")
            {
                continue;
            }

            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var content = new MemoryStream();
            stream.CopyTo(content);
            stored.Add((Path.GetFileName(file), content.ToArray()));
        }

        return stored;
    }
}
