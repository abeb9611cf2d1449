using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TokenVault.Client.AspNetCore;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>The client among an application's services, and HTTP clients that act for the current user.</summary>
[Collection(ClientTests.Name)]
public sealed class ServicesTests(ClientScene scene)
{
    [Fact]
    public void Wrong_options_are_all_told_when_the_application_starts()
    {
        var services = new ServiceCollection();
        services.AddTokenVault(options =>
        {
            options.Issuer = "http://vault.example";
            options.ClientSecret = "canary";
            options.Authentication = ClientAuthentication.Secret("canary");
            options.Timeout = TimeSpan.Zero;
            options.MaxCachedTokens = 0;
        });
        using var provider = services.BuildServiceProvider();

        var e = Should.Throw<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate());

        e.Failures.Count().ShouldBe(5);
        e.ToString().ShouldNotContain("canary");
        Should.Throw<OptionsValidationException>(() => new TokenVaultClient(new TokenVaultOptions())).Failures.Count().ShouldBe(2);
    }

    [Fact]
    public async Task Each_request_carries_a_token_of_the_current_user()
    {
        var (ada, grace) = (await scene.ConnectedUserAsync("ada"), await scene.ConnectedUserAsync("grace"));
        using var log = new TestLog();
        await using var application = Application(log: log);

        foreach (var user in (ClientUser[])[ada, grace, ada])
        {
            Current.User = user.Subject;
            (await Http(application).GetStringAsync(new Uri(scene.Provider.Issuer + "/api/calendar"))).ShouldContain(user == ada ? "ada" : "grace", Case.Insensitive);
        }

        foreach (var secret in (string[])[ada.RefreshToken, grace.RefreshToken, scene.App.Credentials.ClientSecret, .. scene.Provider.Commits.Select(c => c.AccessToken)])
        {
            log.Text.ShouldNotContain(secret);
        }

        log.Text.ShouldContain("/oauth/token");
        Current.User = null;
        (await Should.ThrowAsync<TokenVaultException>(Http(application).GetAsync(new Uri(scene.Provider.Issuer)))).Failure.ShouldBe(TokenVaultFailure.SubjectRejected);
        Current.User = (await scene.NewUserAsync()).Subject;
        var e = await Should.ThrowAsync<TokenVaultException>(Http(application).GetAsync(new Uri(scene.Provider.Issuer)));
        (e.Failure, e.Connection).ShouldBe((TokenVaultFailure.NotConnected, ClientScene.Calendar));
    }

    [Theory]
    [InlineData(ServiceLifetime.Scoped)]
    [InlineData(ServiceLifetime.Transient)]
    public void T_CL_06_a_source_that_may_remember_one_user_is_not_put_into_what_users_share(ServiceLifetime lifetime)
    {
        IServiceCollection services = new ServiceCollection();
        services.AddTokenVault(options => (options.Issuer, options.ClientId) = ("https://vault.example/", "client"));
        services.AddTokenVaultConnect();
        services.AddHttpClient("provider").AddTokenVaultConnection("calendar");
        services.Add(new ServiceDescriptor(typeof(ISubjectTokenSource), typeof(Current), lifetime));
        using var provider = services.BuildServiceProvider();

        Should.Throw<InvalidOperationException>(() => provider.GetRequiredService<IHttpClientFactory>().CreateClient("provider")).Message.ShouldContain("singleton");
        Should.Throw<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Message.ShouldContain("singleton");
    }

    [Fact]
    public async Task A_refused_token_is_dropped_and_another_one_tried_once()
    {
        var user = await scene.ConnectedUserAsync();
        Current.User = user.Subject;
        var api = new FakeApi();
        var clock = new VaultClock(scene.Clock.GetUtcNow());
        await using var application = Application(api, clock);
        await Http(application).GetAsync(new Uri("https://api.example/"));
        api.Refused.Add(api.Seen.Single().Token);

        // The vault has no other yet: the provider's word stands, after one call.
        (await Http(application).GetAsync(new Uri("https://api.example/"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        api.Seen.Count.ShouldBe(2);

        // Now it has: the token ends by the vault's clock, and not yet by the application's.
        await Http(application).GetAsync(new Uri("https://api.example/"));
        scene.Clock.Advance(TimeSpan.FromSeconds(3601));
        var before = api.Seen.Count;
        using var json = new StringContent("{\"a\":1}", Encoding.UTF8, "application/json");
        (await Http(application).PostAsync(new Uri("https://api.example/"), json)).StatusCode.ShouldBe(HttpStatusCode.OK);
        api.Seen.Count.ShouldBe(before + 2);
        api.Seen[^1].Token.ShouldNotBe(api.Seen[^2].Token);
        api.Seen.TakeLast(2).Select(call => call.Body).ShouldBe(["{\"a\":1}", "{\"a\":1}"]);

        // For ever refused: not for ever tried.
        api.RefusesAll = true;
        before = api.Seen.Count;
        (await Http(application).GetAsync(new Uri("https://api.example/"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        api.Seen.Count.ShouldBeInRange(before + 1, before + 2);
    }

    [Fact]
    public async Task Content_that_is_gone_is_not_sent_again_but_the_next_request_has_another_token()
    {
        var user = await scene.ConnectedUserAsync();
        Current.User = user.Subject;
        var api = new FakeApi();
        await using var application = Application(api, new VaultClock(scene.Clock.GetUtcNow()));
        await Http(application).GetAsync(new Uri("https://api.example/"));
        api.Refused.Add(api.Seen.Single().Token);
        scene.Clock.Advance(TimeSpan.FromSeconds(3601));

        using var stream = new StreamContent(new MemoryStream("once"u8.ToArray()));
        (await Http(application).PostAsync(new Uri("https://api.example/"), stream)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        api.Seen.Count.ShouldBe(2);
        (await Http(application).GetAsync(new Uri("https://api.example/"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        api.Seen.Count.ShouldBe(3);
    }

    [Fact]
    public async Task No_token_goes_over_plain_HTTP_and_a_callers_own_header_stays()
    {
        Current.User = (await scene.ConnectedUserAsync()).Subject;
        var api = new FakeApi();
        await using var application = Application(api);

        await Should.ThrowAsync<InvalidOperationException>(Http(application).GetAsync(new Uri("http://api.example/")));
        api.Seen.ShouldBeEmpty();
        using var own = new HttpRequestMessage(HttpMethod.Get, "https://api.example/") { Headers = { Authorization = new("Bearer", "own") } };
        await Http(application).SendAsync(own);
        api.Seen.Single().Token.ShouldBe("own");
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://api.example/");
        await Http(application).SendAsync(request);
        request.Headers.Authorization.ShouldBeNull();
    }

    private static HttpClient Http(ServiceProvider application) => application.GetRequiredService<IHttpClientFactory>().CreateClient("calendar");

    /// <param name="api">Null: the provider's own API.</param>
    private ServiceProvider Application(FakeApi? api = null, TimeProvider? time = null, TestLog? log = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).Services.AddSingleton<ILoggerProvider>(_ => log ?? new TestLog()));
        services.AddSingleton(time ?? scene.Clock);
        services.AddSingleton<ISubjectTokenSource, Current>();
        services.AddTokenVault(options =>
        {
            var ours = scene.Options();
            (options.Issuer, options.ClientId, options.ClientSecret, options.TrustedAuthority) = (ours.Issuer, ours.ClientId, ours.ClientSecret, ours.TrustedAuthority);
        });
        var http = services.AddHttpClient("calendar").AddTokenVaultConnection(ClientScene.Calendar, ClientScene.Read);
        if (api is not null)
        {
            http.ConfigurePrimaryHttpMessageHandler(() => api);
        }

        return services.BuildServiceProvider();
    }

    /// <summary>Whoever the test says.</summary>
    private sealed class Current : ISubjectTokenSource
    {
        private static readonly AsyncLocal<SubjectToken?> Ambient = new();

        public static SubjectToken? User
        {
            set => Ambient.Value = value;
        }

        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Ambient.Value);
    }

    /// <summary>A provider's API that refuses the tokens it is told to.</summary>
    private sealed class FakeApi : HttpMessageHandler
    {
        public List<(string Token, string? Body)> Seen { get; } = [];

        public HashSet<string> Refused { get; } = [];

        public bool RefusesAll { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var token = request.Headers.Authorization!.Parameter!;
            Seen.Add((token, request.Content is null ? null : await request.Content.ReadAsStringAsync(cancellationToken)));
            return new HttpResponseMessage(RefusesAll || Refused.Contains(token) ? HttpStatusCode.Unauthorized : HttpStatusCode.OK);
        }
    }
}
