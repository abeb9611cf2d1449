using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>What goes wrong at a running server, and what the caller is told to do.</summary>
[Collection(ClientTests.Name)]
public sealed class FailureTests(ClientScene scene)
{
    private static readonly TokenRequest Wanted = new(ClientScene.Calendar, ClientScene.Read);

    [Fact]
    public async Task Nobody_has_connected()
    {
        var user = await scene.NewUserAsync();

        var e = await FailsAsync(scene.Client, user.Subject, Wanted);

        (e.Failure, e.Connection, e.Status, e.UserCanConnect).ShouldBe((TokenVaultFailure.NotConnected, ClientScene.Calendar, 401, true));
        e.Scopes.ShouldBe([ClientScene.Read]);
        e.Error.ShouldBe("federated_connection_refresh_token_not_found");
    }

    [Fact]
    public async Task Scopes_are_missing()
    {
        var user = await scene.ConnectedUserAsync();

        var e = await FailsAsync(scene.Client, user.Subject, new(ClientScene.Calendar, ClientScene.Read, "calendar.write", "mail.send"));

        (e.Failure, e.UserCanConnect).ShouldBe((TokenVaultFailure.InsufficientScope, true));
        e.MissingScopes.ShouldBe(["calendar.write", "mail.send"]);
    }

    [Fact]
    public async Task The_provider_is_down_and_then_has_withdrawn_the_grant()
    {
        var user = await scene.ConnectedUserAsync("grace");
        scene.Clock.Advance(TimeSpan.FromSeconds(3601));
        scene.Provider.Refresh.Always(Fault.Status(503));

        var down = await FailsAsync(scene.Client, user.Subject, Wanted);

        (down.Failure, down.Status, down.UserCanConnect).ShouldBe((TokenVaultFailure.TemporarilyUnavailable, 503, false));
        down.RetryAfter.ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.Zero);
        scene.Provider.Refresh.Always(null);
        scene.Provider.RevokeGrant("grace");
        scene.Clock.Advance(down.RetryAfter.Value + TimeSpan.FromSeconds(60));
        (await FailsAsync(scene.Client, user.Subject, Wanted)).Failure.ShouldBe(TokenVaultFailure.ReauthorizationRequired);
    }

    [Fact]
    public async Task An_operator_has_not_allowed_it_or_there_is_no_such_connection()
    {
        await scene.Admin.CreateConnectionAsync("forbidden", "oidc", scene.Provider.OidcOptions("openid"), [scene.ApiClient]);
        var user = await scene.NewUserAsync();

        var denied = await FailsAsync(scene.Client, user.Subject, new("forbidden"));
        (denied.Failure, denied.UserCanConnect).ShouldBe((TokenVaultFailure.PolicyDenied, false));
        (await FailsAsync(scene.Client, user.Subject, new("nowhere"))).Failure.ShouldBe(TokenVaultFailure.InvalidRequest);
    }

    [Fact]
    public async Task The_users_token_is_no_longer_good()
    {
        var user = await scene.ConnectedUserAsync();
        await scene.Vault.Api.FormAsync("oauth/revoke", new Dictionary<string, string>
        {
            ["token"] = user.RefreshToken,
            ["client_id"] = scene.App.Credentials.ClientId,
            ["client_secret"] = scene.App.Credentials.ClientSecret,
        });

        (await FailsAsync(scene.Client, user.Subject, Wanted)).Failure.ShouldBe(TokenVaultFailure.SubjectRejected);
        (await Should.ThrowAsync<TokenVaultException>(scene.Client.ListAccountsAsync(user.Subject))).Failure.ShouldBe(TokenVaultFailure.SubjectRejected);
    }

    [Fact]
    public async Task The_client_has_been_revoked()
    {
        var credentials = await scene.NewApplicationAsync();
        var user = await scene.NewUserAsync(new Application(scene.Vault.Api, credentials));
        var client = scene.NewClient(scene.Options(options => (options.ClientId, options.ClientSecret) = (credentials.ClientId, credentials.ClientSecret)));
        (await client.ListAccountsAsync(user.Subject)).ShouldBeEmpty();
        (await scene.Admin.DeleteAsync("clients/" + credentials.ClientId)).Status.ShouldBe(204);

        var e = await FailsAsync(client, user.Subject, Wanted);

        (e.Failure, e.Error).ShouldBe((TokenVaultFailure.ClientRejected, "invalid_client"));
        e.ToString().ShouldNotContain(credentials.ClientSecret);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_clock_that_is_an_hour_off_is_named_as_what_it_is(int hours)
    {
        var options = await scene.NewWorkerAsync();
        var user = await scene.NewUserAsync();
        var wrong = scene.NewClient(options, new VaultClock(scene.Clock.GetUtcNow().AddHours(hours)));

        var e = await FailsAsync(wrong, SubjectToken.ForWorker(user.Id, "A test"), Wanted);

        e.Failure.ShouldBe(TokenVaultFailure.ClockSkew, e.Message);
        e.ClockSkew.ShouldNotBeNull().TotalHours.ShouldBe(hours, tolerance: 0.01);

        // At the right time the same is what it is without the account: not connected.
        (await FailsAsync(scene.NewClient(options), SubjectToken.ForWorker(user.Id, "A test"), Wanted)).Failure.ShouldBe(TokenVaultFailure.NotConnected);
    }

    [Fact]
    public async Task A_key_that_is_not_registered_is_no_matter_of_the_clock()
    {
        var user = await scene.NewUserAsync();

        var stranger = scene.NewClient(await scene.NewWorkerAsync(authentication: SigningKey.Create()));
        (await FailsAsync(stranger, SubjectToken.ForWorker(user.Id, "A test"), Wanted)).Failure.ShouldBe(TokenVaultFailure.ClientRejected);
        var forger = scene.NewClient(await scene.NewWorkerAsync(subjects: SigningKey.Create()));
        (await FailsAsync(forger, SubjectToken.ForWorker(user.Id, "A test"), Wanted)).Failure.ShouldBe(TokenVaultFailure.SubjectRejected);
    }

    [Fact]
    public async Task The_issuer_is_compared_byte_for_byte()
    {
        var user = await scene.NewUserAsync();
        var client = scene.NewClient(scene.Options(options => options.Issuer = options.Issuer.Replace("localhost", "LOCALHOST", StringComparison.Ordinal)));

        var e = await FailsAsync(client, user.Subject, Wanted);

        e.Failure.ShouldBe(TokenVaultFailure.WrongIssuer);
        e.Message.ShouldContain(scene.Vault.Issuer);
    }

    [Fact]
    public async Task A_certificate_by_an_unknown_authority_is_not_trusted()
    {
        var user = await scene.NewUserAsync();

        (await FailsAsync(scene.NewClient(scene.Options(options => options.TrustedAuthority = null)), user.Subject, Wanted)).Failure
            .ShouldBe(TokenVaultFailure.UntrustedServer);
    }

    [Fact]
    public async Task Nobody_listens_there()
    {
        var user = await scene.NewUserAsync();
        var client = scene.NewClient(scene.Options(options => options.Issuer = $"https://localhost:{LoopbackHttp.FreePort()}/"));

        var e = await FailsAsync(client, user.Subject, Wanted);

        (e.Failure, e.Status, e.RetryAfter).ShouldBe((TokenVaultFailure.TemporarilyUnavailable, null, null));
    }

    [Fact]
    public async Task A_call_that_is_given_up_ends_for_its_caller_and_one_that_takes_too_long_for_everybody()
    {
        var user = await scene.ConnectedUserAsync();
        var calls = new TokenCalls { Gate = new FakeGate() };
        var clock = new VaultClock(scene.Clock.GetUtcNow());
        var client = scene.NewClient(scene.Options(), clock, calls);
        using var impatient = new CancellationTokenSource();

        var given_up = client.ExchangeAsync(user.Subject, Wanted, impatient.Token);
        await calls.Gate.Entered;
        await impatient.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(given_up)).CancellationToken.ShouldBe(impatient.Token);
        await Should.ThrowAsync<OperationCanceledException>(client.GetTokenAsync(user.Subject, Wanted, impatient.Token));

        calls.Gate = new FakeGate();
        var slow = client.GetTokenAsync(user.Subject, Wanted);
        await calls.Gate.Entered;
        clock.Advance(TimeSpan.FromSeconds(31));
        (await Should.ThrowAsync<TokenVaultException>(slow)).Failure.ShouldBe(TokenVaultFailure.TemporarilyUnavailable);
    }

    private static Task<TokenVaultException> FailsAsync(TokenVaultClient client, SubjectToken subject, TokenRequest request) =>
        Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(subject, request));
}
