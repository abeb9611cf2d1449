using Microsoft.AspNetCore.Http;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

public sealed class TokenAnswerTests : IAsyncLifetime
{
    private readonly VaultClock _clock = new();
    private FakeProvider _provider = null!;

    public static TheoryData<string> Names => [.. TokenAnswers.All.Keys];

    public async Task InitializeAsync() => _provider = await FakeProvider.StartAsync();

    public async Task DisposeAsync() => await _provider.DisposeAsync();

    [Fact]
    public void T_UP_04_The_canned_answers_are_many() => TokenAnswers.All.Count.ShouldBeGreaterThan(80);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task T_UP_04_An_answer_is_taken_for_what_it_is(string name)
    {
        var canned = TokenAnswers.All[name];
        _provider.Refresh.Next(Fault.Status(200) with { Replace = context => WriteAsync(context, canned) });

        var (tokens, failure) = await RefreshAsync(canned.Strategy);

        (failure?.Kind).ShouldBe(canned.Failure, failure?.Detail);
        _provider.Refresh.Calls.ShouldBe(1);
        if (failure is not null)
        {
            failure.RetryAfter.ShouldBe(canned.RetrySeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
            failure.Detail.ShouldNotContain("body-of-the-provider");
            failure.Detail.ShouldAllBe(c => c >= ' ' && c <= '~' && c != '<');
            return;
        }

        tokens!.AccessToken.Reveal().ShouldStartWith("a");
        (tokens.RefreshToken?.Reveal()).ShouldBe(canned.RefreshToken);
        (tokens.Scopes is null ? null : string.Join(' ', tokens.Scopes)).ShouldBe(canned.Scopes);
        tokens.ExpiresAt.ShouldBe(canned.Lifetime is { } lifetime ? _clock.GetUtcNow().AddSeconds(lifetime) : null);
    }

    [Fact]
    public void A_providers_tokens_may_stand_deeper_in_its_answer()
    {
        const string body = """{"ok":true,"access_token":"xoxb-bot","authed_user":{"access_token":"xoxp-user","refresh_token":"rt","scope":"a,b","expires_in":43200}}""";
        var provider = ProviderCatalog.Load().Find("slack")!;
        var answer = new UpstreamAnswer(System.Net.HttpStatusCode.OK, "application/json", System.Text.Encoding.UTF8.GetBytes(body), null, _clock.GetUtcNow());

        var (response, _) = ProviderTokenResponse.Read(answer, provider);

        response!.Tokens.AccessToken.Reveal().ShouldBe("xoxp-user");
        response.Tokens.RefreshToken!.Reveal().ShouldBe("rt");
        response.Tokens.Scopes.ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task The_lifetime_counts_from_the_moment_of_asking()
    {
        var gate = new FakeGate();
        var asked = _clock.GetUtcNow();
        _provider.Refresh.Next(Fault.Answer(200, "application/json", """{"access_token":"at","expires_in":60}""").HeldAt(gate));
        var refreshing = RefreshAsync("oauth2");
        await gate.Entered;
        _clock.Advance(TimeSpan.FromSeconds(10));
        gate.Release();
        (await refreshing).Value!.ExpiresAt.ShouldBe(asked.AddSeconds(60));
    }

    private async Task<ProviderResult<ProviderTokens>> RefreshAsync(string strategy)
    {
        var upstream = Upstream.Create(_clock);
        var connection = upstream.Connection(strategy, _provider, new ConnectionOptions { TokenUrl = _provider.Sandbox.TokenUrl, AuthorizationUrl = _provider.Sandbox.AuthorizationUrl });
        return await upstream.Client.RefreshAsync(connection, new Secret("rt-held"), expected: null, () => true);
    }

    private static Task WriteAsync(HttpContext context, TokenAnswer canned)
    {
        context.Response.StatusCode = canned.Status;
        context.Response.ContentType = canned.ContentType;
        if (canned.RetryAfter is not null)
        {
            context.Response.Headers.RetryAfter = canned.RetryAfter;
        }

        return canned.Status == 204 ? Task.CompletedTask : context.Response.WriteAsync(canned.Body);
    }
}
