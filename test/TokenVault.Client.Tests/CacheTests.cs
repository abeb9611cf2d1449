using System.Security.Cryptography;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>Who is given which cached token, and for how long.</summary>
[Collection(ClientTests.Name)]
public sealed class CacheTests(ClientScene scene)
{
    private static readonly TokenRequest Wanted = new(ClientScene.Calendar, ClientScene.Read);

    [Fact]
    public async Task T_CL_06_a_thousand_mixed_calls_give_everybody_their_own_token()
    {
        const string second = "calendar-2";
        await scene.Admin.CreateConnectionAsync(second, "oidc", scene.Provider.OidcOptions("openid", "email", "offline_access", ClientScene.Read), [scene.App.Credentials]);
        var calls = new TokenCalls();
        var client = scene.NewClient(scene.Options(), between: calls);
        var users = new List<(ClientUser User, Dictionary<string, string> Tokens)>();
        for (var i = 0; i < 8; i++)
        {
            var user = await scene.ConnectedUserAsync(i % 2 == 0 ? "ada" : "grace");
            var pending = await scene.Client.ConnectAsync(user.Subject, new ConnectRequest(second, Operator.Callback));
            var back = await user.Browser.GoAsync(pending.Link.AbsoluteUri, Operator.Callback);
            await scene.Client.CompleteAsync(user.Subject, pending, back["connect_code"]!);
            users.Add((user, new()
            {
                [ClientScene.Calendar] = (await scene.Client.ExchangeAsync(user.Subject, new(ClientScene.Calendar))).AccessToken,
                [second] = (await scene.Client.ExchangeAsync(user.Subject, new(second))).AccessToken,
            }));
        }

        users.SelectMany(user => user.Tokens.Values).Distinct().Count().ShouldBe(16);
        string[][] scopes = [[], [ClientScene.Read], ["openid", ClientScene.Read], [ClientScene.Read, "openid"]];
        var crossed = 0;
        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, cancellationToken) =>
        {
            var (user, tokens) = users[RandomNumberGenerator.GetInt32(users.Count)];
            var connection = RandomNumberGenerator.GetInt32(2) == 0 ? ClientScene.Calendar : second;
            var request = new TokenRequest(connection, scopes[RandomNumberGenerator.GetInt32(scopes.Length)]);
            var token = await client.GetTokenAsync(user.Subject, request, cancellationToken);
            if (token.AccessToken != tokens[connection])
            {
                Interlocked.Increment(ref crossed);
            }

            if (i % 50 == 0)
            {
                client.Forget(user.Subject, request, token);
            }
        });

        crossed.ShouldBe(0);

        // One each of 8 users, 2 connections and 3 sets of scopes, and those that were dropped.
        calls.Count.ShouldBeInRange(16, 48 + 20);
    }

    [Fact]
    public async Task T_CL_06_a_token_that_only_claims_to_be_the_users_finds_nothing_in_the_cache()
    {
        var user = await scene.ConnectedUserAsync();
        var api = scene.NewClient(scene.Options(options => (options.ClientId, options.ClientSecret) = (scene.ApiClient.ClientId, scene.ApiClient.ClientSecret)));
        await api.GetTokenAsync(SubjectToken.AccessToken(user.AccessToken), Wanted);

        // The same claims, signed by nobody.
        var forged = user.AccessToken[..user.AccessToken.LastIndexOf('.')] + ".AAAA";

        (await Should.ThrowAsync<TokenVaultException>(api.GetTokenAsync(SubjectToken.AccessToken(forged), Wanted))).Failure.ShouldBe(TokenVaultFailure.SubjectRejected);
        await Should.ThrowAsync<TokenVaultException>(api.GetTokenAsync(SubjectToken.RefreshToken(user.AccessToken), Wanted));
    }

    [Fact]
    public async Task T_CL_06_a_workers_token_is_cached_for_its_user_and_its_reason()
    {
        var (ada, grace) = (await scene.ConnectedUserAsync("ada"), await scene.ConnectedUserAsync("grace"));
        var calls = new TokenCalls();
        var worker = scene.NewClient(await scene.NewWorkerAsync(), between: calls);

        foreach (var round in Enumerable.Range(0, 2))
        {
            foreach (var (user, person) in ((ClientUser, string)[])[(ada, "ada"), (grace, "grace")])
            {
                var token = await worker.GetTokenAsync(SubjectToken.ForWorker(user.Id, "Nightly synchronisation"), Wanted);
                scene.Provider.UserOf(token.AccessToken).ShouldBe(person);
            }
        }

        calls.Count.ShouldBe(2);

        // The server's log has one reason for each exchange, and where approvals are demanded, the user has read that one.
        await worker.GetTokenAsync(SubjectToken.ForWorker(ada.Id, "Another job"), Wanted);
        calls.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Those_who_ask_together_share_one_request_which_outlives_whoever_gives_up()
    {
        var user = await scene.ConnectedUserAsync();
        var calls = new TokenCalls { Gate = new FakeGate() };
        var client = scene.NewClient(scene.Options(), between: calls);
        using var impatient = new CancellationTokenSource();

        var first = client.GetTokenAsync(user.Subject, Wanted, impatient.Token);
        var others = Enumerable.Range(0, 50).Select(_ => client.GetTokenAsync(user.Subject, Wanted)).ToList();
        await calls.Gate.Entered;
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);
        calls.Gate.Release();

        (await Task.WhenAll(others)).Select(token => token.AccessToken).Distinct().ShouldHaveSingleItem();
        calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_token_is_kept_for_as_long_as_the_options_say_and_never_into_its_last_minute()
    {
        var user = await scene.ConnectedUserAsync();
        var (brief, lasting) = (new TokenCalls(), new TokenCalls());
        var clock = new VaultClock(scene.Clock.GetUtcNow());
        var client = scene.NewClient(scene.Options(), clock, brief);
        var hours = scene.NewClient(scene.Options(options => options.MaxCacheAge = TimeSpan.FromHours(5)), clock, lasting);
        var never = new TokenCalls();
        var uncached = scene.NewClient(scene.Options(options => options.MaxCacheAge = TimeSpan.Zero), clock, never);

        (int, int, int)[] expected = [(1, 1, 2), (1, 1, 4), (2, 1, 6), (3, 1, 8), (3, 2, 10)];
        int[] minutes = [0, 4, 2, 52, 2];
        for (var i = 0; i < minutes.Length; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(minutes[i]));
            foreach (var vault in (TokenVaultClient[])[client, hours, uncached, client, hours, uncached])
            {
                await vault.GetTokenAsync(user.Subject, Wanted);
            }

            (brief.Count, lasting.Count, never.Count).ShouldBe(expected[i]);
        }
    }

    [Fact]
    public async Task Failures_are_not_kept_and_what_is_dropped_is_asked_for_again()
    {
        var user = await scene.NewUserAsync();
        var calls = new TokenCalls();
        var client = scene.NewClient(scene.Options(), between: calls);
        await Should.ThrowAsync<TokenVaultException>(client.GetTokenAsync(user.Subject, Wanted));
        await user.ConnectAsync(scene.Client);

        var token = await client.GetTokenAsync(user.Subject, Wanted);
        calls.Count.ShouldBe(2);
        client.Forget(user.Subject, Wanted, await client.ExchangeAsync(user.Subject, new(ClientScene.Calendar)));
        calls.Count.ShouldBe(3);

        // The very token, whoever has it.
        await client.GetTokenAsync(user.Subject, Wanted);
        calls.Count.ShouldBe(4);
        client.Forget(user.Subject, Wanted, new ProviderToken(ClientScene.Calendar, "an older one", token.ExpiresAt, []));
        await client.GetTokenAsync(user.Subject, Wanted);
        calls.Count.ShouldBe(4);
    }

    [Fact]
    public async Task The_cache_does_not_grow_without_end()
    {
        var user = await scene.ConnectedUserAsync();
        var calls = new TokenCalls();
        var client = scene.NewClient(scene.Options(options => options.MaxCachedTokens = 10), between: calls);
        foreach (var round in Enumerable.Range(0, 2))
        {
            foreach (var hint in Enumerable.Range(0, 30))
            {
                await client.GetTokenAsync(SubjectToken.RefreshToken(user.RefreshToken), new TokenRequest(ClientScene.Calendar, Scopes(hint)));
            }
        }

        calls.Count.ShouldBeGreaterThan(30);
    }

    /// <summary>32 different sets of what was granted.</summary>
    private static IEnumerable<string> Scopes(int set) =>
        new[] { "openid", "email", "offline_access", ClientScene.Read }.Where((_, i) => (set & (1 << i)) != 0);
}
