using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Faults.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Faults.World;

/// <summary>Everybody who calls the vault: the operator who set it up, the users who connect accounts, the application that exchanges.</summary>
internal sealed class Callers : IDisposable
{
    private const string Api = "https://calendar-api.example/";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly VaultWorld _world;
    private readonly VaultApi _issuer;
    private readonly X509Certificate2 _authority;
    private readonly Application _app;
    private readonly Dictionary<NodeProcess, (VaultApi Api, Application App)> _nodes = [];

    private Callers(VaultWorld world, VaultApi issuer, X509Certificate2 authority, Application app)
    {
        (_world, _issuer, _authority, _app) = (world, issuer, authority, app);
        foreach (var node in world.Nodes)
        {
            var api = new VaultApi(node.Address.ToString(), authority);
            api.Http.Timeout = Patience;
            _nodes[node] = (api, new Application(api, app.Credentials));
        }
    }

    /// <summary>Each user at each provider.</summary>
    public List<Grant> Grants { get; } = [];

    public static async Task<Callers> SetUpAsync(VaultWorld world, string bootstrapFile, IReadOnlyList<SandboxPerson> people)
    {
        var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(bootstrapFile))!;
        var authority = X509Certificate2.CreateFromPem(bootstrap["ca_certificate"]!.GetValue<string>());
        var issuer = new VaultApi(world.Nodes[0].Address.ToString(), authority);
        var admin = await Operator.SignInAsync(issuer, bootstrap);
        await admin.CreateApiAsync(Api);
        var app = new Application(issuer, await admin.CreateApplicationAsync("Application"));
        foreach (var provider in world.Providers)
        {
            string[] scopes = ["openid", "email", "offline_access", "calendar.read"];
            var options = provider.SpeaksOpenIdConnect ? provider.Fake.OidcOptions(scopes) : provider.Fake.OAuth2Options(scopes);
            options["rotation_class"] = provider.Class;
            await admin.CreateConnectionAsync(provider.Connection, provider.SpeaksOpenIdConnect ? "oidc" : "oauth2", options, app.Credentials);
        }

        var callers = new Callers(world, issuer, authority, app);
        foreach (var person in people)
        {
            var user = await callers.SignInAsync(admin, person);
            foreach (var provider in world.Providers)
            {
                var grant = new Grant(user, provider);
                await callers.ConnectAsync(grant);
                callers.Grants.Add(grant);
            }
        }

        return callers;
    }

    /// <summary>Connects the account, for the first time or anew, as a user does: through the browser.</summary>
    public async Task ConnectAsync(Grant grant)
    {
        var person = new JsonObject { ["authorization_params"] = new JsonObject { ["login_hint"] = grant.User.Person } };
        var token = await MyTokenAsync(grant.User);
        var (_, complete) = await _app.ConnectAsync(grant.User.Browser, token, grant.Provider.Connection, person);
        var answer = await _app.CompleteAsync(token, complete);
        if (answer.Status != 201)
        {
            throw new FaultsException($"{grant} cannot be connected: {answer.Status} {answer.Text}");
        }

        var account = (string)answer.Json["id"]!;
        var rows = await _world.Storage.ListAllAsync<Tokenset>(EntityKey.Index("account", account), CancellationToken.None);
        var (_, refreshToken) = new TokensetSealer(_world.Ring).Open(rows.Single());
        grant.Connected(account, rows[0].Id, grant.Provider.Engine.GrantOf(refreshToken!.Reveal())!);
    }

    public async Task<int> DisconnectAsync(Grant grant)
    {
        var answer = await _issuer.SendAsync(HttpMethod.Delete, "me/v1/connected-accounts/accounts/" + grant.AccountId, await MyTokenAsync(grant.User));
        return answer.Status;
    }

    /// <summary>One exchange at this node. A node that dies or stands still is an outcome, too.</summary>
    public async Task<ExchangeOutcome> ExchangeAsync(NodeProcess node, Grant grant)
    {
        try
        {
            var answer = await _nodes[node].App.ExchangeAsync(grant.User.RefreshToken, Wire.RefreshTokenType, grant.Provider.Connection);
            if (answer.Status == 200)
            {
                grant.Given.Enqueue(answer["access_token"]!);
                return new(ExchangeKind.Token, answer["access_token"]!);
            }

            return new(Kind(answer), $"{answer.Status} {answer.Text}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return new(ExchangeKind.NoAnswer, $"{node.Name}: {e.Message}");
        }
    }

    public async Task<bool> IsReadyAsync(NodeProcess node)
    {
        try
        {
            using var response = await _nodes[node].Api.Http.GetAsync(new Uri(node.Address, "health/ready"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _issuer.Dispose();
        foreach (var (api, _) in _nodes.Values)
        {
            api.Dispose();
        }

        _authority.Dispose();
    }

    private static ExchangeKind Kind(Answer answer) => (answer.Status, answer["reason"]) switch
    {
        (503, FailureReason.TemporarilyUnavailable) => ExchangeKind.Unavailable,
        (401, FailureReason.ReauthorizationRequired) => ExchangeKind.ReauthorizationRequired,
        (401, FailureReason.NotConnected) => ExchangeKind.NotConnected,
        _ => ExchangeKind.Other,
    };

    private async Task<VaultUser> SignInAsync(Operator admin, SandboxPerson person)
    {
        var (email, password) = ($"{person.Subject}@vault.example", Identifier.Secret());
        await admin.CreateUserAsync(email, password);
        var browser = new Browser(_authority);
        var tokens = await _app.SignInAsync(browser, email, password, Api, "openid offline_access read:calendar");
        return new VaultUser(person.Subject, browser, tokens["refresh_token"] ?? throw new FaultsException($"No sign-in: {tokens.Text}"));
    }

    private async Task<string> MyTokenAsync(VaultUser user)
    {
        var answer = await _app.RefreshAsync(user.RefreshToken, _issuer.Issuer + "me/");
        return answer["access_token"] ?? throw new FaultsException($"No token for the My Account API: {answer.Text}");
    }
}
