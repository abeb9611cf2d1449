using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>A vault whose tokens are bound to keys: a public client with a DPoP key, and a second port that asks for certificates.</summary>
public class PossessionScene : VaultScene
{
    private readonly int _port = LoopbackHttp.FreePort();
    private readonly string _authorityFile = Path.GetTempFileName();

    internal string Alias => $"https://localhost:{_port}/";

    internal TestAuthority Authority { get; } = new();

    /// <summary>A single-page application: it has no secret.</summary>
    internal Application Spa { get; private set; } = null!;

    internal string TokenUri => Vault.Issuer + "oauth/token";

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Mtls:Port"] = _port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["TokenVault:Mtls:Alias"] = Alias,
        ["TokenVault:Mtls:CertificateAuthorityFile"] = _authorityFile,
        ["TokenVault:Mcp:Enabled"] = "true",
    };

    public override async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_authorityFile, Authority.Pem);
        await base.InitializeAsync();
        Spa = new Application(Vault.Api, new Credentials((await (await AdminAsync()).CreateApplicationAsync("SPA", new JsonObject
        {
            ["app_type"] = "spa",
            ["token_endpoint_auth_method"] = "none",
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken),
            ["web_origins"] = new JsonArray("https://spa.example"),
            ["refresh_token"] = new JsonObject
            {
                ["rotation_type"] = "rotating",
                ["expiration_type"] = "expiring",
                ["policies"] = new JsonArray(new JsonObject
                {
                    ["audience"] = Vault.Issuer + "me/",
                    ["scope"] = new JsonArray(Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts),
                }),
            },
        })).ClientId, ""));
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_authorityFile);
    }

    internal DpopKey NewKey(string alg = "ES256") => DpopKey.Create(Clock.GetUtcNow, alg);

    /// <summary>A machine client with a grant for an API of its own.</summary>
    internal async Task<(Application Client, string Audience)> NewMachineAsync(JsonObject? client = null, JsonObject? api = null)
    {
        var admin = await AdminAsync();
        var audience = $"https://machine-api.example/{Identifier.Secret()}";
        var server = new JsonObject
        {
            ["identifier"] = audience,
            ["name"] = "Machine API",
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:things" }),
        };
        var body = new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" };
        Merge(server, api);
        Merge(body, client);
        await admin.CreateAsync("resource-servers", server);
        var created = await admin.CreateAsync("clients", body);
        var id = (string)created["client_id"]!;
        await admin.CreateAsync("client-grants", new JsonObject { ["client_id"] = id, ["audience"] = audience, ["scope"] = new JsonArray("read:things") });
        return (new Application(Vault.Api, new Credentials(id, (string?)created["client_secret"] ?? "")), audience);
    }

    internal static Dictionary<string, string> MachineForm((Application Client, string Audience) machine) => new()
    {
        ["grant_type"] = Wire.ClientCredentials,
        ["audience"] = machine.Audience,
        ["client_id"] = machine.Client.Credentials.ClientId,
        ["client_secret"] = machine.Client.Credentials.ClientSecret,
    };

    /// <summary>A token request with a proof by the key; when a nonce is demanded, once more with it.</summary>
    internal async Task<Answer> TokenAsync(DpopKey? key, IReadOnlyDictionary<string, string> form, Action<JsonObject>? change = null)
    {
        var answer = await FormAsync(key is null ? [] : [key.Proof("POST", TokenUri, change: change)], form);
        if (key is null || answer["error"] != "use_dpop_nonce" || key.Nonce == answer.Header("DPoP-Nonce"))
        {
            return answer;
        }

        key.Nonce = answer.Header("DPoP-Nonce");
        return await FormAsync([key.Proof("POST", TokenUri, change: change)], form);
    }

    /// <summary>A token request with these DPoP headers.</summary>
    internal Task<Answer> FormAsync(IEnumerable<string> proofs, IReadOnlyDictionary<string, string> form)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, TokenUri) { Content = new FormUrlEncodedContent(form) };
        foreach (var proof in proofs)
        {
            request.Headers.TryAddWithoutValidation("DPoP", proof);
        }

        return SendAsync(request);
    }

    /// <summary>A request to one of the server's own APIs; or, by a whole address, at its second port.</summary>
    internal Task<Answer> ResourceAsync(
        HttpMethod method, string path, string scheme, string token, string? proof = null, JsonNode? body = null, X509Certificate2? certificate = null)
    {
        var request = new HttpRequestMessage(method, new Uri(new Uri(Vault.Issuer), path));
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {token}");
        if (proof is not null)
        {
            request.Headers.TryAddWithoutValidation("DPoP", proof);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        }

        return SendAsync(request, certificate);
    }

    internal async Task<Answer> SendAsync(HttpRequestMessage request, X509Certificate2? certificate = null)
    {
        using var sent = request;
        using var own = certificate is null ? null : TestAuthority.Client(Vault.Api.Trusted!, certificate);
        using var response = await (own ?? Vault.Api.Http).SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    /// <summary>Signs the user in at the single-page application, with tokens that are bound to the key.</summary>
    internal async Task<Answer> SignInAsync(TestUser user, DpopKey? key, string? jkt = null, Action<JsonObject>? change = null) =>
        await TokenAsync(key, await CodeFormAsync(user, jkt), change);

    /// <summary>As far as the code.</summary>
    internal async Task<Dictionary<string, string>> CodeFormAsync(TestUser user, string? jkt = null)
    {
        var more = jkt is null ? [] : new[] { KeyValuePair.Create("dpop_jkt", jkt) };
        var (visit, verifier) = await Spa.AuthorizeAsync(user.Browser, user.Email, user.Password, Api, "openid offline_access read:calendar", more);
        return new Dictionary<string, string>
        {
            ["grant_type"] = Wire.AuthorizationCode,
            ["client_id"] = Spa.Credentials.ClientId,
            ["code"] = visit["code"] ?? throw new InvalidOperationException(visit.Url),
            ["redirect_uri"] = Operator.Callback,
            ["code_verifier"] = verifier,
        };
    }

    internal Dictionary<string, string> RefreshForm(string refreshToken, string? audience = null)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.RefreshToken,
            ["client_id"] = Spa.Credentials.ClientId,
            ["refresh_token"] = refreshToken,
        };
        if (audience is not null)
        {
            form["audience"] = audience;
        }

        return form;
    }

    private static void Merge(JsonObject body, JsonObject? more)
    {
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }
    }
}

internal static class PossessionAnswers
{
    public static void ShouldBeBoundTo(this Answer answer, DpopKey key)
    {
        answer.Status.ShouldBe(200, answer.Text);
        answer["token_type"].ShouldBe("DPoP");
        ((string?)Answers.Claims(answer["access_token"])["cnf"]!["jkt"]).ShouldBe(key.Thumbprint);
    }
}
