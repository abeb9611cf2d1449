using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using ModelContextProtocol.Server;
using TokenVault.Client;
using TokenVault.Client.Agents;
using TokenVault.Client.AspNetCore;
using TokenVault.Client.Mcp;

namespace TokenVault.Samples.McpServer;

/// <summary>An MCP server with one tool, which reads the user's calendar at a provider.</summary>
public static class CalendarServer
{
    private const string Cookie = "cookie";

    /// <summary>The application, not yet started.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="configure">More settings, for tests.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        configure?.Invoke(builder);
        var settings = SampleSettings.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        AddSignIn(builder.Services, settings);

        // The browser's part: the web application's client signs in and connects.
        builder.Services.AddTokenVault(options => Fill(options, settings, settings.WebClient));
        builder.Services.AddTokenVaultConnect(options => options.Origin = settings.Origin);
        builder.Services.AddTokenVaultMcp();
        builder.Services.AddHttpClient("calendar");

        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapTokenVaultConnect();
        app.MapTokenVaultMcp();
        app.MapGet(BearerHandler.MetadataPath, (HttpContext context) => BearerHandler.WriteMetadataAsync(context, settings));
        var tool = CalendarTool(app.Services, settings);
        app.MapPost("/mcp", context => McpHttp.AnswerAsync(context, [tool])).RequireAuthorization();
        return app;
    }

    /// <summary>The agent's part: the API's client exchanges the access token that this server was called with.</summary>
    private static McpServerTool CalendarTool(IServiceProvider services, SampleSettings settings)
    {
        var options = new TokenVaultOptions();
        Fill(options, settings, settings.ApiClient);
        var vault = new TokenVaultClient(options, services.GetService<TimeProvider>());
        return McpServerTool
            .Create(
                async (IHttpClientFactory http, CancellationToken cancellationToken) =>
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, settings.CalendarUrl);
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ToolToken.Current.AccessToken);
                    using var response = await http.CreateClient("calendar").SendAsync(request, cancellationToken);
                    response.EnsureSuccessStatusCode();
                    return await response.Content.ReadAsStringAsync(cancellationToken);
                },
                new McpServerToolCreateOptions { Services = services, Name = "read_calendar", Description = "Reads the user's calendar.", ReadOnly = true })
            .WithTokenVault(new ToolOptions { Vault = vault }, settings.Connection, "calendar.read");
    }

    /// <summary>Browsers by the vault's sign-in page and a cookie, agents by the vault's access tokens for this server.</summary>
    private static void AddSignIn(IServiceCollection services, SampleSettings settings)
    {
        services.AddAuthorization();
        services.AddAuthentication("either")
            .AddPolicyScheme("either", displayName: null, options => options.ForwardDefaultSelector =
                context => context.Request.Path.StartsWithSegments("/mcp") ? BearerHandler.Scheme : Cookie)
            .AddCookie(Cookie, options => options.ForwardChallenge = "vault")
            .AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, configureOptions: null)
            .AddOAuth("vault", options =>
            {
                options.SignInScheme = Cookie;
                (options.ClientId, options.ClientSecret) = (settings.WebClient.Id, settings.WebClient.Secret);
                options.AuthorizationEndpoint = settings.Issuer + "authorize";
                options.TokenEndpoint = settings.Issuer + "oauth/token";
                options.UserInformationEndpoint = settings.Issuer + "userinfo";
                options.CallbackPath = "/signed-in";
                options.UsePkce = true;
                options.SaveTokens = true;
                options.BackchannelHttpHandler = Handler(settings);
                string[] scopes = ["openid", "profile", "offline_access"];
                scopes.ToList().ForEach(options.Scope.Add);
                options.ClaimActions.MapJsonKey("sub", "sub");
                options.Events.OnCreatingTicket = AddUserAsync;
            });
        services.AddHttpClient(BearerHandler.Scheme).ConfigurePrimaryHttpMessageHandler(() => Handler(settings));
    }

    private static async Task AddUserAsync(OAuthCreatingTicketContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, context.Options.UserInformationEndpoint);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", context.AccessToken);
        using var response = await context.Backchannel.SendAsync(request, context.HttpContext.RequestAborted);
        response.EnsureSuccessStatusCode();
        using var user = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(context.HttpContext.RequestAborted));
        context.RunClaimActions(user.RootElement);
    }

    private static void Fill(TokenVaultOptions options, SampleSettings settings, SampleClient client)
    {
        (options.Issuer, options.ClientId, options.ClientSecret) = (settings.Issuer, client.Id, client.Secret);
        options.TrustedAuthority = Authority(settings);
    }

    /// <summary>A development server makes its own certificate authority: <c>data/tls/ca.pem</c>.</summary>
    private static X509Certificate2? Authority(SampleSettings settings) =>
        settings.CertificateAuthorityFile is { } file ? X509CertificateLoader.LoadCertificateFromFile(file) : null;

    private static SocketsHttpHandler Handler(SampleSettings settings)
    {
        var handler = new SocketsHttpHandler();
        if (Authority(settings) is { } authority)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck },
            };
        }

        return handler;
    }
}
