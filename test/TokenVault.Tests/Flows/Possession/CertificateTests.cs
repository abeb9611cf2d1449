using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>Clients that prove themselves by a certificate of the TLS connection (RFC 8705). These tests move the clock.</summary>
public sealed class CertificateTests(PossessionScene scene) : IClassFixture<PossessionScene>
{
    private const string Subject = "CN=nightly-sync, OU=Batch, O=Example";

    [Fact]
    public async Task A_client_proves_itself_by_the_name_that_an_authority_has_certified()
    {
        var machine = await NamedAsync(Subject);

        // Whichever certificate bears the name; and whether it says what it is for or not.
        foreach (var usage in (string?[])["1.3.6.1.5.5.7.3.2", null])
        {
            using var certificate = scene.Authority.Issue(Subject, usage: usage);
            (await CallAsync(machine, certificate)).ShouldBeGranted();
        }
    }

    [Fact]
    public async Task T_CA_09_no_other_certificate_proves_a_named_client()
    {
        var machine = await NamedAsync(Subject);
        var now = scene.Clock.GetUtcNow();
        var another = new TestAuthority();
        (string Name, X509Certificate2 Certificate)[] wrong =
        [
            ("another subject", scene.Authority.Issue("CN=nightly-sync, OU=Batch, O=Another")),
            ("fewer attributes", scene.Authority.Issue("CN=nightly-sync, O=Example")),
            ("more attributes", scene.Authority.Issue(Subject + ", C=DE")),
            ("another order", scene.Authority.Issue("O=Example, OU=Batch, CN=nightly-sync")),
            ("one attribute that looks like all", scene.Authority.Issue("CN=\"nightly-sync, OU=Batch, O=Example\"")),
            ("the name as an alternative one only", scene.Authority.Issue("CN=other", dnsName: "nightly-sync")),
            ("another authority", another.Issue(Subject)),
            ("no authority", TestAuthority.SelfSigned(Subject)),
            ("ended", scene.Authority.Issue(Subject, until: now.AddMinutes(-1))),
            ("not begun", scene.Authority.Issue(Subject, from: now.AddHours(1))),
            ("for servers", scene.Authority.Issue(Subject, usage: "1.3.6.1.5.5.7.3.1")),
        ];
        foreach (var (name, certificate) in wrong)
        {
            using (certificate)
            {
                var answer = await CallAsync(machine, certificate);
                (answer.Status, answer["error"]).ShouldBe((401, "invalid_client"), name);
            }

            scene.Clock.Advance(TimeSpan.FromSeconds(7));
        }

        (await CallAsync(machine, certificate: null)).ShouldBeRefused(401, "invalid_client");
        using var right = scene.Authority.Issue(Subject);
        (await CallAsync(machine, right, scene.Vault.Issuer)).ShouldBeRefused(401, "invalid_client");
        (await CallAsync(machine, right)).ShouldBeGranted();
    }

    /// <summary>Names are compared as they are encoded, attribute by attribute: how they are printed, and in which string type, does not matter.</summary>
    [Fact]
    public async Task T_CA_09_a_name_is_compared_by_its_encoding_and_not_as_text()
    {
        var machine = await NamedAsync("CN=Ünïcode, O=Example");
        using var parsed = scene.Authority.Issue("CN=Ünïcode, O=Example");
        (await CallAsync(machine, parsed)).ShouldBeGranted();

        // What is written first stands last in the certificate.
        foreach (var (type, granted) in ((UniversalTagNumber, bool)[])[(UniversalTagNumber.UTF8String, true), (UniversalTagNumber.BMPString, true), (UniversalTagNumber.UTF8String, false)])
        {
            var name = new X500DistinguishedNameBuilder();
            Action[] parts = [() => name.Add("2.5.4.3", "Ünïcode", type), () => name.Add("2.5.4.10", "Example", type)];
            foreach (var part in granted ? parts : [.. parts.Reverse()])
            {
                part();
            }

            using var built = scene.Authority.Issue(name.Build());
            (await CallAsync(machine, built)).Status.ShouldBe(granted ? 200 : 401);
        }

        using var otherCase = scene.Authority.Issue("CN=ünïcode, O=Example");
        (await CallAsync(machine, otherCase)).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_09_a_client_proves_itself_by_the_very_certificate_that_it_registered()
    {
        using var registered = TestAuthority.SelfSigned();
        var machine = await SelfSignedAsync(registered);
        (await CallAsync(machine, registered)).ShouldBeGranted();

        // The same name is another certificate; and being certified by an authority does not help.
        using var same = TestAuthority.SelfSigned();
        using var certified = scene.Authority.Issue("CN=Self");
        (await CallAsync(machine, same)).ShouldBeRefused(401, "invalid_client");
        (await CallAsync(machine, certified)).ShouldBeRefused(401, "invalid_client");
        (await CallAsync(machine, certificate: null)).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_09_a_registered_certificate_that_has_ended_proves_nothing()
    {
        using var registered = TestAuthority.SelfSigned(until: scene.Clock.GetUtcNow().AddMinutes(10));
        var machine = await SelfSignedAsync(registered);
        (await CallAsync(machine, registered)).ShouldBeGranted();
        scene.Clock.Advance(TimeSpan.FromMinutes(11));
        (await CallAsync(machine, registered)).ShouldBeRefused(401, "invalid_client");
    }

    /// <summary>The matrix of T-CA-03 with certificates: one is a method for the clients that are registered for it, and nothing for the others.</summary>
    [Fact]
    public async Task T_CA_03_a_certificate_beside_another_method_is_an_error_and_never_a_fallback()
    {
        using var certificate = TestAuthority.SelfSigned();
        var machine = await SelfSignedAsync(certificate);
        var id = machine.Client.Credentials.ClientId;
        var secret = (string)(await (await scene.AdminAsync()).PostAsync($"clients/{id}/rotate-secret", new JsonObject())).Json["client_secret"]!;
        var basic = "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{id}:{secret}"));
        for (var combination = 0; combination < 16; combination++)
        {
            var (byTls, post, header, assertion) = ((combination & 1) != 0, (combination & 2) != 0, (combination & 4) != 0, (combination & 8) != 0);
            var form = Form(machine);
            if (post)
            {
                form["client_secret"] = secret;
            }

            if (assertion)
            {
                (form["client_assertion_type"], form["client_assertion"]) = (Wire.JwtBearerAssertion, "eyJhbGciOiJub25lIn0.e30.");
            }

            var answer = await CallAsync(form, byTls ? certificate : null, authorization: header ? basic : null);
            var methods = new[] { byTls, post, header, assertion }.Count(used => used);
            var expected = methods > 1 ? (400, "invalid_request") : byTls ? (200, null) : (401, "invalid_client");
            (answer.Status, answer["error"]).ShouldBe(expected, $"{combination}");
            scene.Clock.Advance(TimeSpan.FromSeconds(10));
        }

        // To a client with a secret the certificate is nothing: it neither helps nor harms.
        var plain = await scene.NewMachineAsync();
        (await CallAsync(PossessionScene.MachineForm(plain), certificate)).ShouldBeGranted();
        (await CallAsync(Form(plain), certificate)).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_10_a_token_that_is_bound_to_a_certificate_is_refused_without_it_ensure_holder_of_key_required()
    {
        using var certificate = TestAuthority.SelfSigned();
        using var thief = TestAuthority.SelfSigned();
        var user = await scene.ConnectedUserAsync();
        var admin = await scene.AdminAsync();
        (await admin.PatchAsync("clients/" + scene.Spa.Credentials.ClientId, new JsonObject { ["require_proof_of_possession"] = true })).Status.ShouldBe(200);
        var form = await scene.CodeFormAsync(user);
        (await CallAsync(form, certificate: null)).ShouldBeRefused(400, "invalid_request");
        var tokens = await CallAsync(await scene.CodeFormAsync(user), certificate);
        (await admin.PatchAsync("clients/" + scene.Spa.Credentials.ClientId, new JsonObject { ["require_proof_of_possession"] = false })).Status.ShouldBe(200);
        tokens.ShouldBeGranted();
        var token = tokens["access_token"]!;
        ((string?)Answers.Claims(token)["cnf"]!["x5t#S256"]).ShouldBe(TokenVault.Server.Keys.CertificateThumbprint.Of(certificate));

        (await GetAsync("userinfo", token, certificate)).Status.ShouldBe(200);
        (await GetAsync("userinfo", token, thief)).Status.ShouldBe(401);
        (await GetAsync("userinfo", token, certificate: null)).Status.ShouldBe(401);
        (await GetAsync("userinfo", token, certificate, scene.Vault.Issuer)).Status.ShouldBe(401);

        // So are the public client's refresh token, and the exchange.
        (await CallAsync(scene.RefreshForm(tokens["refresh_token"]!), thief)).ShouldBeRefused(400, "invalid_dpop_proof");
        (await CallAsync(scene.RefreshForm(tokens["refresh_token"]!), certificate)).ShouldBeGranted();
        var exchange = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["client_id"] = scene.ApiClient.Credentials.ClientId,
            ["client_secret"] = scene.ApiClient.Credentials.ClientSecret,
            ["subject_token"] = token,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["connection"] = VaultScene.Calendar,
        };
        (await CallAsync(exchange, thief)).ShouldBeRefused(401, "invalid_grant");
        (await CallAsync(exchange, certificate: null)).ShouldBeRefused(401, "invalid_grant");
        (await CallAsync(exchange, certificate)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_CA_10_an_api_can_demand_tokens_that_are_bound_to_a_certificate()
    {
        using var certificate = scene.Authority.Issue(Subject);
        var api = new JsonObject { ["proof_of_possession"] = new JsonObject { ["mechanism"] = "mtls", ["required"] = true } };
        var machine = await scene.NewMachineAsync(api: api);
        (await scene.TokenAsync(null, PossessionScene.MachineForm(machine))).ShouldBeRefused(400, "invalid_request");
        (await scene.TokenAsync(scene.NewKey(), PossessionScene.MachineForm(machine))).ShouldBeRefused(400, "invalid_request");
        var bound = await CallAsync(PossessionScene.MachineForm(machine), certificate);
        bound.ShouldBeGranted();
        ((string?)Answers.Claims(bound["access_token"])["cnf"]!["x5t#S256"]).ShouldBe(TokenVault.Server.Keys.CertificateThumbprint.Of(certificate));

        // Elsewhere the certificate was for the client's authentication alone.
        var named = await NamedAsync(Subject);
        Answers.Claims((await CallAsync(named, certificate))["access_token"])["cnf"].ShouldBeNull();
    }

    [Fact]
    public async Task The_metadata_names_the_aliases_and_the_methods()
    {
        var metadata = (await scene.Vault.Api.SendAsync(HttpMethod.Get, ".well-known/openid-configuration")).Json;
        ((string?)metadata["mtls_endpoint_aliases"]!["token_endpoint"]).ShouldBe(scene.Alias + "oauth/token");
        ((bool)metadata["tls_client_certificate_bound_access_tokens"]!).ShouldBeTrue();
        metadata["token_endpoint_auth_methods_supported"]!.AsArray().Select(method => (string?)method)
            .ShouldBe(["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none"]);
        ((bool)(await (await scene.AdminAsync()).GetAsync("tenants/settings")).Json["mtls"]!["enable_endpoint_aliases"]!).ShouldBeTrue();
    }

    private static Dictionary<string, string> Form((Application Client, string Audience) machine)
    {
        var form = PossessionScene.MachineForm(machine);
        form.Remove("client_secret");
        return form;
    }

    private Task<Answer> CallAsync((Application Client, string Audience) machine, X509Certificate2? certificate, string? at = null) =>
        CallAsync(Form(machine), certificate, at);

    /// <summary>At the port that asks for a certificate, if not said otherwise.</summary>
    private Task<Answer> CallAsync(Dictionary<string, string> form, X509Certificate2? certificate, string? at = null, string? authorization = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, (at ?? scene.Alias) + "oauth/token") { Content = new FormUrlEncodedContent(form) };
        request.Headers.TryAddWithoutValidation("Authorization", authorization is null ? [] : [authorization]);
        return scene.SendAsync(request, certificate);
    }

    private Task<Answer> GetAsync(string path, string token, X509Certificate2? certificate, string? at = null) =>
        scene.ResourceAsync(HttpMethod.Get, (at ?? scene.Alias) + path, "Bearer", token, certificate: certificate);

    private Task<(Application Client, string Audience)> NamedAsync(string subject) => scene.NewMachineAsync(client: new JsonObject
    {
        ["client_authentication_methods"] = new JsonObject
        {
            ["tls_client_auth"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["credential_type"] = "cert_subject_dn", ["subject_dn"] = subject }) },
        },
    });

    private Task<(Application Client, string Audience)> SelfSignedAsync(X509Certificate2 certificate) => scene.NewMachineAsync(client: new JsonObject
    {
        ["client_authentication_methods"] = new JsonObject
        {
            ["self_signed_tls_client_auth"] = new JsonObject
            {
                ["credentials"] = new JsonArray(new JsonObject { ["credential_type"] = "x509_cert", ["pem"] = certificate.ExportCertificatePem() }),
            },
        },
    });
}
