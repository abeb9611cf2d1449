using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>
/// <c>tokenvault-server demo</c>: the whole job, over real HTTP, with a sandbox provider, in a temporary directory. Each step is
/// checked: the demo fails, with exit code 1, when the server does. <c>demo --keep DIRECTORY</c> is <see cref="KeptDemo"/>.
/// </summary>
internal static class DemoCommand
{
    public const string Connection = "sandbox-calendar";

    private const string Api = "https://calendar-api.example/";
    private const string Email = "ada@example.com";

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is not ([] or ["--keep", { Length: > 0 }]))
        {
            await Console.Error.WriteLineAsync("usage: tokenvault-server demo [--keep DIRECTORY]");
            return 2;
        }

        var directory = Directory.CreateTempSubdirectory("tokenvault-demo-");
        try
        {
            if (args is [_, var kept])
            {
                await KeptDemo.RunAsync(directory.FullName, kept);
                return 0;
            }

            await RunAsync(directory.FullName);
            Console.WriteLine("\nTo keep one running for the samples:  make demo KEEP=demo");
            Console.WriteLine("To start the server for real:  dotnet run -c Release --project src/TokenVault.Server");
            return 0;
        }
        catch (DemoFailedException e)
        {
            await Console.Error.WriteLineAsync("\nThe demo failed: " + e.Message);
            return 1;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task RunAsync(string directory)
    {
        var clock = new DemoClock();
        var issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";
        DemoScript.Title("Token Vault demo", "a server, a provider, an application and a user, all on this machine");

        await using var server = await StartAsync(directory, issuer, clock);
        var sandboxOptions = new SandboxOptions
        {
            AcceptsRedirect = uri => uri == $"{issuer}login/callback/{Connection}",
            Rotation = SandboxRotation.FamilyRevoking,
        };
        await using var provider = await SandboxProvider.StartAsync(sandboxOptions, clock);
        var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(directory, "bootstrap.json")))!;
        using var authority = X509Certificate2.CreateFromPem(bootstrap["ca_certificate"]!.GetValue<string>());
        using var vault = new VaultApi(issuer, authority);
        using var browser = new Browser(authority);
        DemoScript.Step("Start", $"Token Vault at {issuer}, a sandbox provider at {provider.Issuer} that rotates its refresh tokens");

        var scene = await SetUpAsync(vault, bootstrap, provider);
        var tokens = await SignInAsync(scene, browser);
        await ConnectAsync(scene, browser, tokens);
        await ExchangeAsync(scene, provider, tokens, clock);
        await DisconnectAsync(scene, tokens);
        DemoScript.Title("Done", "the application never saw a provider's refresh token; every hand-over is in the audit log");
    }

    /// <summary>A server with its data in the directory, for the providers of this machine.</summary>
    public static Task<TokenVaultServer> StartAsync(string directory, string issuer, TimeProvider clock) =>
        TokenVaultServer.StartAsync([], builder =>
        {
            builder.Configuration.Sources.Clear();
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["TokenVault:Issuer"] = issuer,
                ["TokenVault:DataDirectory"] = directory,
                ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",
            });
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton(clock);
        });

    private static async Task<Scene> SetUpAsync(VaultApi vault, JsonNode bootstrap, SandboxProvider provider)
    {
        var admin = await Operator.SignInAsync(vault, bootstrap);
        var apiClient = await admin.CreateApiAsync(Api);
        var application = await admin.CreateApplicationAsync("Demo application");
        await admin.CreateConnectionAsync(
            Connection,
            "oidc",
            new JsonObject
            {
                ["client_id"] = provider.Options.ClientId,
                ["client_secret"] = provider.Options.ClientSecret,
                ["discovery_url"] = provider.DiscoveryUrl,
                ["scope"] = "openid email offline_access calendar.read",
            },
            application,
            apiClient);
        var password = Identifier.Secret();
        var userId = await admin.CreateUserAsync(Email, password);
        DemoScript.Step("Set up", "through the Management API: an API and its client, an application, a connection, a user");
        return new Scene(vault, admin, new Application(vault, application), new Application(vault, apiClient), userId, password);
    }

    private static async Task<Tokens> SignInAsync(Scene scene, Browser browser)
    {
        var answer = await scene.Application.SignInAsync(browser, Email, scene.Password, Api, "openid profile email offline_access read:calendar");
        DemoScript.Expect(answer, 200, "sign-in");
        DemoScript.Step("Sign in", $"{Email}, authorization code with PKCE through the sign-in page");
        DemoScript.Value("access token", answer["access_token"]);
        DemoScript.Value("refresh token", answer["refresh_token"]);
        return new Tokens(answer["access_token"]!, answer["refresh_token"]!);
    }

    private static async Task ConnectAsync(Scene scene, Browser browser, Tokens tokens)
    {
        var myAccount = await MyAccountTokenAsync(scene, tokens);
        var (visit, complete) = await scene.Application.ConnectAsync(browser, myAccount, Connection);
        DemoScript.Require(visit["connect_code"] is not null, $"connecting came back without a code: {visit["error"]}");
        var account = await scene.Application.CompleteAsync(myAccount, complete);
        DemoScript.Expect(account, 201, "complete");
        DemoScript.Step("Connect", $"the account at {Connection}: the browser went to the provider and back, the application completed it");
        DemoScript.Value("connected account", account["id"], shorten: false);
    }

    private static async Task ExchangeAsync(Scene scene, SandboxProvider provider, Tokens tokens, DemoClock clock)
    {
        var first = await scene.Application.ExchangeAsync(tokens.Refresh, Wire.RefreshTokenType, Connection);
        DemoScript.Expect(first, 200, "exchange by refresh token");
        DemoScript.Step("Exchange", "the application's refresh token for the provider's access token");
        DemoScript.Value("provider token", first["access_token"]);
        DemoScript.Value("expires in", first.Json["expires_in"] + " s", shorten: false);

        var second = await scene.ApiClient.ExchangeAsync(tokens.Access, Wire.AccessTokenType, Connection);
        DemoScript.Expect(second, 200, "exchange by access token");
        DemoScript.Step("Exchange", "the same by the API: the access token it was called with for the provider's");
        DemoScript.Require(second["access_token"] == first["access_token"], "both forms should give the same token while it is fresh");

        await CallAsync(provider, first["access_token"]!, 200);
        clock.Advance(TimeSpan.FromHours(1));
        await CallAsync(provider, first["access_token"]!, 401);
        DemoScript.Step("Wait", "an hour passes, and the provider's access token ends");

        var before = provider.Engine.Commits.Count;
        var third = await scene.Application.ExchangeAsync(tokens.Refresh, Wire.RefreshTokenType, Connection);
        DemoScript.Expect(third, 200, "exchange after expiry");
        var refreshes = provider.Engine.Commits.Count - before;
        DemoScript.Require(refreshes == 1 && third["access_token"] != first["access_token"], $"expected one refresh, saw {refreshes}");
        DemoScript.Step("Exchange", "again: the vault refreshed once at the provider, and kept the rotated refresh token");
        DemoScript.Value("provider token", third["access_token"]);
        await CallAsync(provider, third["access_token"]!, 200);
    }

    private static async Task DisconnectAsync(Scene scene, Tokens tokens)
    {
        var myAccount = await MyAccountTokenAsync(scene, tokens);
        var list = await scene.Vault.SendAsync(HttpMethod.Get, "me/v1/connected-accounts/accounts", myAccount);
        DemoScript.Expect(list, 200, "accounts");
        var id = list.Json["accounts"]![0]!["id"]!.GetValue<string>();
        DemoScript.Expect(await scene.Vault.SendAsync(HttpMethod.Delete, "me/v1/connected-accounts/accounts/" + id, myAccount), 204, "disconnect");
        DemoScript.Step("Disconnect", "the user withdraws the account");

        var refused = await scene.Application.ExchangeAsync(tokens.Refresh, Wire.RefreshTokenType, Connection);
        DemoScript.Expect(refused, 401, "exchange after disconnect");
        DemoScript.Require(refused["reason"] == FailureReason.NotConnected, $"expected the reason {FailureReason.NotConnected}");
        DemoScript.Step("Exchange", "fails now, and says what to do about it");
        DemoScript.Value("error", refused["error"], shorten: false);
        DemoScript.Value("reason", refused["reason"], shorten: false);
    }

    private static async Task<string> MyAccountTokenAsync(Scene scene, Tokens tokens)
    {
        var answer = await scene.Application.RefreshAsync(tokens.Refresh, scene.Vault.Issuer + "me/");
        DemoScript.Expect(answer, 200, "token for the My Account API");
        return answer["access_token"]!;
    }

    private static async Task CallAsync(SandboxProvider provider, string accessToken, int expected)
    {
        using var http = LoopbackHttp.Client(trusted: null);
        using var request = new HttpRequestMessage(HttpMethod.Get, provider.CalendarUrl);
        request.Headers.Authorization = new("Bearer", accessToken);
        using var response = await http.SendAsync(request);
        DemoScript.Require((int)response.StatusCode == expected, $"the provider's API answered {(int)response.StatusCode}, not {expected}");
        DemoScript.Value("provider's API", $"GET /api/calendar → {(int)response.StatusCode}", shorten: false);
    }

    private sealed record Scene(VaultApi Vault, Operator Admin, Application Application, Application ApiClient, string UserId, string Password);

    private sealed record Tokens(string Access, string Refresh);
}
