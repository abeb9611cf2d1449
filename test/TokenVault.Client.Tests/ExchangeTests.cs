using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using ServerWire = TokenVault.Server.Protocol.Wire;

namespace TokenVault.Client.Tests;

/// <summary>Provider tokens for each kind of subject, by each way of proving the client.</summary>
[Collection(ClientTests.Name)]
public sealed class ExchangeTests(ClientScene scene)
{
    private static readonly TokenRequest Wanted = new(ClientScene.Calendar, ClientScene.Read);

    [Fact]
    public async Task A_refresh_token_becomes_the_providers_token()
    {
        var user = await scene.ConnectedUserAsync("grace");

        var token = await scene.Client.ExchangeAsync(user.Subject, Wanted);

        scene.Provider.UserOf(token.AccessToken).ShouldBe("grace");
        token.Connection.ShouldBe(ClientScene.Calendar);
        token.Scopes.ShouldContain(ClientScene.Read);
        token.ExpiresAt.ShouldBeInRange(scene.Clock.GetUtcNow().AddMinutes(50), scene.Clock.GetUtcNow().AddHours(1));
    }

    [Fact]
    public async Task An_access_token_becomes_the_providers_token_at_the_client_of_its_API()
    {
        var user = await scene.ConnectedUserAsync();
        var api = scene.NewClient(scene.Options(options => (options.ClientId, options.ClientSecret) = (scene.ApiClient.ClientId, scene.ApiClient.ClientSecret)));

        var token = await api.ExchangeAsync(SubjectToken.AccessToken(user.AccessToken), Wanted);

        scene.Provider.IsLive(token.AccessToken).ShouldBeTrue();
    }

    [Fact]
    public async Task A_worker_gets_the_token_of_a_user_who_is_not_present()
    {
        var user = await scene.ConnectedUserAsync("grace");
        var worker = scene.NewClient(await scene.NewWorkerAsync());
        var subject = SubjectToken.ForWorker(user.Id, "Nightly synchronisation");

        // Twice: what is signed is good once, and made anew each time.
        scene.Provider.UserOf((await worker.ExchangeAsync(subject, Wanted)).AccessToken).ShouldBe("grace");
        scene.Provider.UserOf((await worker.ExchangeAsync(subject, new(ClientScene.Calendar))).AccessToken).ShouldBe("grace");

        var lacking = await Should.ThrowAsync<TokenVaultException>(worker.ExchangeAsync(subject, new(ClientScene.Calendar, ClientScene.Read, "calendar.write")));
        lacking.Failure.ShouldBe(TokenVaultFailure.InsufficientScope);
        lacking.MissingScopes.ShouldBe(["calendar.write"]);
    }

    [Fact]
    public async Task The_account_that_the_hint_names_is_taken()
    {
        var user = await scene.ConnectedUserAsync("ada");
        await user.ConnectAsync(scene.Client, "grace");

        var token = await scene.Client.ExchangeAsync(user.Subject, new TokenRequest(ClientScene.Calendar) { LoginHint = "ada" });

        scene.Provider.UserOf(token.AccessToken).ShouldBe("ada");
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("basic")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("certificate")]
    public async Task A_client_proves_itself(string how)
    {
        var (authentication, client) = await NewClientAsync(how);
        await scene.EnableAsync(client);
        var options = scene.Options(options => (options.ClientId, options.ClientSecret, options.Authentication) = (client, null, authentication));
        var vault = scene.NewClient(options);

        // It is known, and told that the refresh token is another's.
        var user = await scene.NewUserAsync();
        var refused = await Should.ThrowAsync<TokenVaultException>(vault.ExchangeAsync(user.Subject, Wanted));
        refused.Failure.ShouldBe(TokenVaultFailure.SubjectRejected, refused.Message);
        authentication.ToString().ShouldNotContain("secret-");
    }

    [Fact]
    public async Task DPoP_binds_the_clients_own_tokens_and_follows_the_nonce()
    {
        var vault = scene.NewClient(scene.Options(options => options.DpopKey = SigningKey.Create()));
        var user = await scene.NewUserAsync();

        await user.ConnectAsync(vault);

        (await vault.ListAccountsAsync(user.Subject)).ShouldHaveSingleItem();
        scene.Provider.IsLive((await vault.ExchangeAsync(user.Subject, Wanted)).AccessToken).ShouldBeTrue();

        // The server's nonce changes with time: both of its endpoints are followed.
        scene.Clock.Advance(TimeSpan.FromMinutes(5));
        (await vault.ListAccountsAsync(user.Subject)).ShouldHaveSingleItem();
        await vault.ExchangeAsync(user.Subject, Wanted);
    }

    private async Task<(ClientAuthentication Authentication, string ClientId)> NewClientAsync(string how)
    {
        switch (how)
        {
            case "secret":
            case "basic":
                var credentials = await scene.NewApplicationAsync();
                return (how == "basic" ? ClientAuthentication.SecretBasic(credentials.ClientSecret) : ClientAuthentication.Secret(credentials.ClientSecret), credentials.ClientId);
            case "certificate":
                var certificate = SelfSigned();
                return (ClientAuthentication.Certificate(certificate), await CreateAsync(new JsonObject
                {
                    ["self_signed_tls_client_auth"] = new JsonObject
                    {
                        ["credentials"] = new JsonArray(new JsonObject { ["credential_type"] = "x509_cert", ["pem"] = certificate.ExportCertificatePem() }),
                    },
                }));
            case "ES256":
                var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                return (ClientAuthentication.PrivateKey(SigningKey.FromPem(elliptic.ExportPkcs8PrivateKeyPem())), await CreateAsync(ClientScene.ByKey(elliptic, how)));
            default:
                var rsa = RSA.Create(2048);
                return (ClientAuthentication.PrivateKey(SigningKey.From(rsa, algorithm: how)), await CreateAsync(ClientScene.ByKey(rsa, how)));
        }
    }

    private async Task<string> CreateAsync(JsonObject methods) => (string)(await scene.Admin.CreateAsync("clients", new JsonObject
    {
        ["name"] = "By other means",
        ["app_type"] = "regular_web",
        ["grant_types"] = new JsonArray(ServerWire.RefreshToken, ServerWire.FederatedExchange),
        ["client_authentication_methods"] = methods,
    }))["client_id"]!;

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=Client", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2040, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }
}
