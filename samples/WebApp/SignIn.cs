using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.Extensions.Options;
using TokenVault.Client;

namespace WebApp;

/// <summary>
/// Sign-in at Token Vault: authorization code with PKCE, by the handler that comes with ASP.NET Core. Who the user is comes from the userinfo
/// endpoint (OpenID Connect Core §5.3), over TLS from the server itself.
/// </summary>
internal static class SignIn
{
    private const string Scheme = "TokenVault";

    public static void AddTokenVaultSignIn(this IServiceCollection services)
    {
        services.AddAuthentication(options =>
            {
                options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
                options.DefaultChallengeScheme = Scheme;
            })
            .AddCookie(options => options.Cookie.Name = "__Host-session")
            .AddOAuth(Scheme, _ => { });
        services.AddOptions<OAuthOptions>(Scheme).Configure<IOptions<TokenVaultOptions>>((options, vault) => Configure(options, vault.Value));
        services.AddAuthorization();
    }

    private static void Configure(OAuthOptions options, TokenVaultOptions vault)
    {
        options.AuthorizationEndpoint = vault.Issuer + "authorize";
        options.TokenEndpoint = vault.Issuer + "oauth/token";
        options.UserInformationEndpoint = vault.Issuer + "userinfo";
        options.ClientId = vault.ClientId;
        options.ClientSecret = vault.ClientSecret!;
        options.CallbackPath = "/signed-in";
        options.UsePkce = true;
        foreach (var scope in (string[])["openid", "profile", "email", "offline_access"])
        {
            options.Scope.Add(scope);
        }

        // The session's cookie, encrypted, keeps the refresh token: TokenVault.Client takes it from there.
        options.SaveTokens = true;
        options.ClaimActions.MapJsonKey("sub", "sub");
        options.ClaimActions.MapJsonKey("email", "email");
        options.Events.OnCreatingTicket = ReadUserAsync;
        options.BackchannelHttpHandler = new SocketsHttpHandler { SslOptions = Trusting(vault.TrustedAuthority) };
    }

    private static async Task ReadUserAsync(OAuthCreatingTicketContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, context.Options.UserInformationEndpoint);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", context.AccessToken);
        using var response = await context.Backchannel.SendAsync(request, context.HttpContext.RequestAborted);
        response.EnsureSuccessStatusCode();
        using var user = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(), cancellationToken: context.HttpContext.RequestAborted);
        context.RunClaimActions(user.RootElement);
    }

    /// <summary>For the demo, whose certificate is by an authority of its own.</summary>
    private static SslClientAuthenticationOptions Trusting(X509Certificate2? authority) => authority is null ? new() : new()
    {
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };
}
