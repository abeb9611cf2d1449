using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>A vault whose TLS ends at a proxy, which passes certificates on in a header; the tests are the proxy.</summary>
public class ProxyScene : PossessionScene
{
    private protected virtual string Proxy => "127.0.0.0/8";

    private protected override IReadOnlyDictionary<string, string?> Settings
    {
        get
        {
            var settings = new Dictionary<string, string?>(base.Settings)
            {
                ["TokenVault:Mtls:Header"] = "X-Client-Cert",
                ["TokenVault:Proxy:TrustedNetworks:0"] = Proxy,
                ["TokenVault:Proxy:TrustedNetworks:1"] = Proxy == "127.0.0.0/8" ? "::1" : "192.0.2.2",
            };
            settings.Remove("TokenVault:Mtls:Port");
            return settings;
        }
    }
}

/// <summary>The same, and the tests are not the proxy. No authority certifies names.</summary>
public sealed class StrangerScene : ProxyScene
{
    private protected override string Proxy => "192.0.2.1";

    private protected override IReadOnlyDictionary<string, string?> Settings
    {
        get
        {
            var settings = new Dictionary<string, string?>(base.Settings);
            settings.Remove("TokenVault:Mtls:CertificateAuthorityFile");
            return settings;
        }
    }
}

public sealed class CertificateHeaderTests(ProxyScene scene, StrangerScene strangers) : IClassFixture<ProxyScene>, IClassFixture<StrangerScene>
{
    [Fact]
    public async Task T_CA_09_a_certificate_in_the_header_counts_from_the_named_proxy_in_either_form_and_from_nobody_else()
    {
        using var certificate = TestAuthority.SelfSigned();
        var structured = $":{Convert.ToBase64String(certificate.RawData)}:";
        var escaped = Uri.EscapeDataString(certificate.ExportCertificatePem() + "\n");
        var machine = await MachineAsync(scene, certificate);
        foreach (var header in (string[])[structured, escaped])
        {
            (await CallAsync(scene, machine, header)).ShouldBeGranted();
        }

        var forged = await MachineAsync(strangers, certificate);
        foreach (var header in (string[])[structured, escaped])
        {
            (await CallAsync(strangers, forged, header)).ShouldBeRefused(401, "invalid_client");
        }
    }

    [Fact]
    public async Task T_CA_09_what_is_no_certificate_in_the_header_proves_nothing()
    {
        using var certificate = TestAuthority.SelfSigned();
        using var another = TestAuthority.SelfSigned();
        var machine = await MachineAsync(scene, certificate);
        var base64 = Convert.ToBase64String(certificate.RawData);
        var pem = certificate.ExportCertificatePem();
        string[][] wrong =
        [
            [], [""], ["x"], ["::"], [base64], [":" + base64], [base64 + ":"], [$":{base64}:;a=b"], [$":{base64[..^8]}:"], [$":{base64}:, :{base64}:"],
            [$":{base64}:", $":{base64}:"], [$":{Convert.ToBase64String(another.RawData)}:"], [Uri.EscapeDataString(pem.Replace("CERTIFICATE", "PUBLIC KEY", StringComparison.Ordinal))],
            [Uri.EscapeDataString(pem + "\n" + pem)], [Uri.EscapeDataString("junk " + pem)], [$":{new string('A', 20_000)}:"],
        ];
        foreach (var headers in wrong)
        {
            (await CallAsync(scene, machine, headers)).ShouldBeRefused(401, "invalid_client");
            scene.Clock.Advance(TimeSpan.FromSeconds(7));
        }

        (await CallAsync(scene, machine, $":{base64}:")).ShouldBeGranted();
    }

    [Fact]
    public async Task The_metadata_names_no_method_that_proves_nobody()
    {
        var metadata = (await strangers.Vault.Api.SendAsync(HttpMethod.Get, ".well-known/openid-configuration")).Json;
        foreach (var member in (string[])["token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"])
        {
            metadata[member]!.AsArray().Select(method => (string?)method)
                .ShouldBe(["client_secret_basic", "client_secret_post", "private_key_jwt", "self_signed_tls_client_auth", "none"]);
        }
    }

    [Theory]
    [InlineData("Mtls:Port=8444", "Mtls needs TokenVault__Mtls__Alias")]
    [InlineData("Mtls:Alias=http://x/;Mtls:Port=8444", "Mtls__Alias must be an https URL")]
    [InlineData("Mtls:Alias=https://localhost:8443/;Mtls:Port=8444", "another address than the issuer")]
    [InlineData("Mtls:Alias=https://m.example/", "needs either")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Port=8444;Mtls:Header=Client-Cert;Proxy:TrustedNetworks:0=192.0.2.1", "needs either")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Header=Client-Cert", "whose header counts")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Port=8443", "another port than the issuer's")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Port=0", "a port from 1 to 65535")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Port=8444;Mtls:CertificateAuthorityFile=/nowhere", "holds no certificates")]
    [InlineData("Mtls:Alias=https://m.example/;Mtls:Port=8444;Proxy:PlainHttp=true;Proxy:TrustedNetworks:0=192.0.2.1", "exclude each other")]
    public void Settings_that_contradict_each_other_are_told_at_the_start(string settings, string problem)
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationBuilder();
        Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
            configuration, settings.Split(';').Select(pair => KeyValuePair.Create("TokenVault:" + pair.Split('=')[0], (string?)pair.Split('=')[1])));
        Should.Throw<TokenVault.Server.StartupException>(() => TokenVault.Server.OptionsValidation.Read(configuration.Build())).Message.ShouldContain(problem);
    }

    private static Task<(Application Client, string Audience)> MachineAsync(PossessionScene at, X509Certificate2 certificate) => at.NewMachineAsync(client: new JsonObject
    {
        ["client_authentication_methods"] = new JsonObject
        {
            ["self_signed_tls_client_auth"] = new JsonObject
            {
                ["credentials"] = new JsonArray(new JsonObject { ["credential_type"] = "x509_cert", ["pem"] = certificate.ExportCertificatePem() }),
            },
        },
    });

    private static Task<Answer> CallAsync(PossessionScene at, (Application Client, string Audience) machine, params string[] headers)
    {
        var form = PossessionScene.MachineForm(machine);
        form.Remove("client_secret");
        var request = new HttpRequestMessage(HttpMethod.Post, at.TokenUri) { Content = new FormUrlEncodedContent(form) };
        foreach (var header in headers)
        {
            request.Headers.TryAddWithoutValidation("X-Client-Cert", header);
        }

        return at.SendAsync(request);
    }
}
