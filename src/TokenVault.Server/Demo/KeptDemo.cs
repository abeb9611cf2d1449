using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>
/// <c>tokenvault-server demo --keep DIRECTORY</c>: a server, the sandbox provider, clients and users that stay up until the process is told to
/// end. What programs need to use them is in <see cref="DemoFiles"/>.
/// </summary>
internal static class KeptDemo
{
    private const string Read = "calendar.read";

    /// <summary>Who has connected a calendar; their names at the sandbox are the first parts.</summary>
    private static readonly string[] Connected = ["ada@example.com", "grace@example.com"];

    /// <summary>The worker finds nothing of his.</summary>
    private const string Unconnected = "henry@example.com";

    /// <summary>For somebody to sign in as, in a browser.</summary>
    private const string Visitor = "charles@example.com";

    /// <summary>The agent acts for her.</summary>
    private const string Principal = "mary@example.com";

    /// <summary>Her MCP client calls the MCP server.</summary>
    private const string Caller = "emmy@example.com";

    /// <exception cref="DemoFailedException">The server did not do what was expected.</exception>
    /// <exception cref="StartupException">The directory cannot be written to.</exception>
    public static async Task RunAsync(string data, string directory)
    {
        using var files = new DemoFiles(directory);
        var issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";
        await using var server = await DemoCommand.StartAsync(data, issuer, TimeProvider.System);
        var options = new SandboxOptions { AcceptsRedirect = uri => uri == $"{issuer}login/callback/{DemoCommand.Connection}" };
        await using var provider = await SandboxProvider.StartAsync(options, TimeProvider.System);
        var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(data, "bootstrap.json")))!;
        using var authority = X509Certificate2.CreateFromPem(bootstrap["ca_certificate"]!.GetValue<string>());
        using var vault = new VaultApi(issuer, authority);
        var admin = await Operator.SignInAsync(vault, bootstrap);
        Describe(files, issuer, provider);
        files.Copy("ca.pem", Path.Combine(data, "tls", "ca.pem"), "TOKENVAULT_CA_FILE");
        files.Copy("localhost.pem", Path.Combine(data, "tls", "server.pem"), "ASPNETCORE_Kestrel__Certificates__Default__Path");
        files.Copy("localhost.key", Path.Combine(data, "tls", "server.key"), "ASPNETCORE_Kestrel__Certificates__Default__KeyPath");
        var application = await CreateApplicationAsync(vault, admin, files);
        var worker = await CreateWorkerAsync(admin, files);
        var api = await CreateApiAsync(admin, files);
        await CreateConnectionAsync(admin, provider, application, worker, api);
        await CreateUsersAsync(new Setting(vault, admin, new Application(vault, application)), files);
        files.WriteEnvironment();

        DemoScript.Title("Token Vault demo", $"Token Vault at {issuer}, a sandbox provider at {provider.Issuer}; Ctrl+C ends both");
        Console.WriteLine("In another terminal:\n");
        Console.WriteLine($"  . {files.Environment} && dotnet run --project samples/AgentChat");
        Console.WriteLine($"\nWho can sign in, and with what, is in {files.Environment}, which only you can read.");
        await server.WaitForShutdownAsync();
    }

    private static void Describe(DemoFiles files, string issuer, SandboxProvider provider)
    {
        files.Set("TOKENVAULT_ISSUER", issuer);
        files.Set("TOKENVAULT_CONNECTION", DemoCommand.Connection);
        files.Set("CALENDAR_URL", provider.CalendarUrl);
        files.Set("WEBAPP_URL", $"https://localhost:{LoopbackHttp.FreePort()}");
        files.Set("AGENT_REDIRECT_URI", $"http://localhost:{LoopbackHttp.FreePort()}/connected/");
    }

    /// <summary>For the web application, and for the agent.</summary>
    private static async Task<Credentials> CreateApplicationAsync(VaultApi vault, Operator admin, DemoFiles files)
    {
        var application = await admin.CreateApplicationAsync("Sample application", new JsonObject
        {
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange, Wire.Ciba),
            ["callbacks"] = new JsonArray(
                Operator.Callback, files["WEBAPP_URL"] + "/signed-in", files["WEBAPP_URL"] + "/connect/callback", files["AGENT_REDIRECT_URI"]),
        });
        files.Set("TOKENVAULT_CLIENT_ID", application.ClientId);
        files.Set("TOKENVAULT_CLIENT_SECRET", application.ClientSecret);
        return application;
    }

    /// <summary>A privileged worker: one key proves who it is, the other signs for users (docs/privileged-worker.md).</summary>
    private static async Task<Credentials> CreateWorkerAsync(Operator admin, DemoFiles files)
    {
        using var authentication = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var subjects = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        files.Write("worker.key", authentication.ExportPkcs8PrivateKeyPem(), "WORKER_KEY_FILE");
        files.Write("worker-subjects.key", subjects.ExportPkcs8PrivateKeyPem(), "WORKER_SUBJECT_KEY_FILE");
        var worker = await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Sample worker",
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray(Wire.FederatedExchange),
            ["client_authentication_methods"] = new JsonObject
            {
                ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(Credential(authentication)) },
            },
            ["token_vault_privileged_access"] = new JsonObject
            {
                ["credentials"] = new JsonArray(Credential(subjects)),
                ["ip_allowlist"] = new JsonArray("127.0.0.0/8", "::1"),
                ["users_per_hour"] = 100,
            },
        });
        files.Set("WORKER_CLIENT_ID", (string)worker["client_id"]!);
        return Credentials.Of(worker);
    }

    /// <summary>For an MCP server at the web application's address: an API, with a client that exchanges what the API is called with.</summary>
    private static async Task<Credentials> CreateApiAsync(Operator admin, DemoFiles files)
    {
        files.Set("MCP_AUDIENCE", files["WEBAPP_URL"] + "/mcp");
        var client = await admin.CreateApiAsync(files["MCP_AUDIENCE"]);
        files.Set("MCP_CLIENT_ID", client.ClientId);
        files.Set("MCP_CLIENT_SECRET", client.ClientSecret);
        return client;
    }

    private static JsonObject Credential(ECDsa key) => new()
    {
        ["name"] = "A key",
        ["credential_type"] = "public_key",
        ["alg"] = "ES256",
        ["pem"] = key.ExportSubjectPublicKeyInfoPem(),
    };

    private static Task<JsonNode> CreateConnectionAsync(Operator admin, SandboxProvider provider, params IEnumerable<Credentials> clients)
    {
        var options = new JsonObject
        {
            ["client_id"] = provider.Options.ClientId,
            ["client_secret"] = provider.Options.ClientSecret,
            ["discovery_url"] = provider.DiscoveryUrl,
            ["scope"] = "openid email offline_access " + Read,
        };
        return admin.CreateConnectionAsync(DemoCommand.Connection, "oidc", options, clients);
    }

    private static async Task CreateUsersAsync(Setting setting, DemoFiles files)
    {
        var password = Identifier.Secret();
        var ids = new List<string>();
        foreach (var email in Connected)
        {
            using var browser = new Browser(setting.Vault.Trusted);
            ids.Add(await setting.Admin.CreateUserAsync(email, password));
            await ConnectAsync(setting, browser, email, (await SignInAsync(setting, browser, email, password))["refresh_token"]!);
        }

        ids.Add(await setting.Admin.CreateUserAsync(Unconnected, password));
        using var principals = new Browser(setting.Vault.Trusted);
        await setting.Admin.CreateUserAsync(Visitor, password);

        // For an MCP client that has no sign-in of its own.
        using var callers = new Browser(setting.Vault.Trusted);
        await setting.Admin.CreateUserAsync(Caller, password);
        files.Set("MCP_USER", Caller);
        files.Set("MCP_ACCESS_TOKEN", (await SignInAsync(setting, callers, Caller, password, files["MCP_AUDIENCE"]))["access_token"]!);
        files.Set("WORKER_USERS", string.Join(',', ids));
        files.Set("DEMO_USER", Visitor);
        files.Set("DEMO_PASSWORD", password);
        files.Set("AGENT_USER", Principal);
        files.Set("AGENT_USER_ID", await setting.Admin.CreateUserAsync(Principal, password));
        files.Set("AGENT_REFRESH_TOKEN", (await SignInAsync(setting, principals, Principal, password))["refresh_token"]!);
    }

    private static async Task<Answer> SignInAsync(Setting setting, Browser browser, string email, string password, string? audience = null)
    {
        var answer = await setting.Application.SignInAsync(browser, email, password, audience, "openid profile email offline_access read:calendar");
        DemoScript.Expect(answer, 200, "sign-in");
        return answer;
    }

    private static async Task ConnectAsync(Setting setting, Browser browser, string email, string refreshToken)
    {
        var myAccount = await setting.Application.RefreshAsync(refreshToken, setting.Vault.Issuer + "me/");
        DemoScript.Expect(myAccount, 200, "token for the My Account API");
        var person = new JsonObject { ["authorization_params"] = new JsonObject { ["login_hint"] = email.Split('@')[0] } };
        var (_, complete) = await setting.Application.ConnectAsync(browser, myAccount["access_token"]!, DemoCommand.Connection, person);
        DemoScript.Expect(await setting.Application.CompleteAsync(myAccount["access_token"]!, complete), 201, "complete");
    }

    private sealed record Setting(VaultApi Vault, Operator Admin, Application Application);
}
