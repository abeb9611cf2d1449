using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What follows a refresh without an outcome depends on what the provider does with used refresh tokens (security reference, 4.1 and 4.2).</summary>
public sealed class RotationClassTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task A_connections_rotation_class_is_settable_shown_and_checked()
    {
        var admin = await scene.AdminAsync();
        var options = scene.Provider.OAuth2Options("calendar.read");
        options["rotation_class"] = "single_use";
        var connection = await admin.CreateAsync("connections", new JsonObject { ["name"] = "classed", ["strategy"] = "oauth2", ["options"] = options });
        var path = $"connections/{connection["id"]}";
        ((string?)(await admin.GetAsync(path)).Json["options"]!["rotation_class"]).ShouldBe("single_use");

        foreach (var name in (string[])["unknown", "stable", "overlap", "replay", "family_revoking", "none"])
        {
            var changed = (JsonObject)options.DeepClone();
            changed["rotation_class"] = name;
            (await admin.PatchAsync(path, new JsonObject { ["options"] = changed })).Status.ShouldBe(200);
            ((string?)(await admin.GetAsync(path)).Json["options"]!["rotation_class"]).ShouldBe(name);
        }

        options["rotation_class"] = "sometimes";
        (await admin.PatchAsync(path, new JsonObject { ["options"] = options.DeepClone() })).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("stable", 0)]
    [InlineData("overlap", 0)]
    [InlineData("replay", 0)]
    [InlineData("none", 0)]
    [InlineData("single_use", 15)]
    [InlineData("family_revoking", 150)]
    [InlineData("unknown", 150)]
    [InlineData(null, 150)]
    public async Task F_15_After_an_unknown_outcome_the_next_attempt_waits_as_the_class_says(string? rotationClass, int seconds)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotationClass);
        scene.EndAccessTokens();
        await grant.LoseAnswerAsync(Fault.Cut());
        if (seconds > 0)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(seconds - 1));
            var early = await grant.ExchangeAsync();
            (early.Status, early.Headers.RetryAfter!.Delta!.Value).ShouldBe((503, TimeSpan.FromSeconds(1)));
            grant.Calls.ShouldBe(1);
            scene.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(2);
        (await scene.AuditAsync("tokenset_recovered", grant.User.Id)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("single_use")]
    [InlineData("family_revoking")]
    public async Task F_03_A_refusal_after_an_unknown_outcome_is_final_after_150_seconds_and_no_sooner(string rotationClass)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotationClass, rotationClass == "single_use" ? SandboxRotation.SingleUse : SandboxRotation.FamilyRevoking);
        scene.EndAccessTokens();
        await grant.LoseAnswerAsync();
        var lost = scene.Clock.GetUtcNow();

        while ((await grant.ExchangeAsync()).Status == 503)
        {
            (await scene.AuditAsync("tokenset_died", grant.User.Id)).ShouldBeEmpty();
            (scene.Clock.GetUtcNow() - lost).ShouldBeLessThan(TimeSpan.FromSeconds(200));
            scene.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        (await grant.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
        (scene.Clock.GetUtcNow() - lost).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(150));
        var died = (await scene.AuditAsync("tokenset_died", grant.User.Id)).ShouldHaveSingleItem();
        ((string?)died["details"]!["cause"]).ShouldBe("answer_lost");
        grant.Calls.ShouldBeInRange(2, rotationClass == "single_use" ? 11 : 2);
    }

    [Theory]
    [InlineData(590, 503)]
    [InlineData(601, 401)]
    public async Task F_02_Crashes_in_the_middle_of_one_attempt_after_another_put_the_verdict_off_for_ten_minutes_at_most(int doubtSeconds, int status)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use", SandboxRotation.SingleUse);
        scene.EndAccessTokens();
        await grant.LoseAnswerAsync();
        var row = await grant.RowAsync();
        var now = scene.Clock.GetUtcNow();

        // The last of many attempts crashed 20 s ago; the first was found 590 or 601 s ago.
        var crashed = row.Attempt! with { At = now.AddSeconds(-60), UnknownSince = now.AddHours(-1), DoubtedSince = now.AddSeconds(-doubtSeconds), LeftAt = now.AddSeconds(-20), Left = true };
        (await scene.Storage.CommitAsync(new Batch().Replace(row with { Attempt = crashed }))).Committed.ShouldBeTrue();

        (await grant.ExchangeAsync()).Status.ShouldBe(status);
        grant.Calls.ShouldBe(2);
    }

    [Theory]
    [InlineData("stable", 15)]
    [InlineData("overlap", 15)]
    [InlineData("single_use", 120)]
    [InlineData(null, 120)]
    public async Task F_14_A_provider_is_waited_for_as_long_as_its_class_demands(string? rotationClass, int seconds)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotationClass);
        scene.EndAccessTokens();
        grant.Provider.Refresh.Next(Fault.Hang());
        var waiting = grant.ExchangeAsync();
        await grant.Provider.Refresh.WhenCalledAsync(1);

        scene.Clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        (await waiting).Status.ShouldBe(503);
        (await grant.RowAsync()).Attempt!.Left.ShouldBeFalse();
        grant.Provider.Refresh.Running.ShouldBe(1);

        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Attempt is null or { Left: true });
    }

    [Theory]
    [InlineData("stable", 30)]
    [InlineData("single_use", 45)]
    [InlineData("family_revoking", 180)]
    [InlineData(null, 180)]
    public async Task F_02_What_a_crash_after_the_intent_left_is_followed_up_although_nobody_asks(string? rotationClass, int seconds)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotationClass, SandboxRotation.FamilyRevoking);
        var row = await grant.RowAsync();
        var crashed = row with { Attempt = new RefreshAttempt("crashed-" + row.Id, row.Generation, scene.Clock.GetUtcNow(), UnknownSince: null) };
        var claim = new Batch().AcquireLease("refresh " + row.Id, "a node that is no more", TimeSpan.FromSeconds(30)).Replace(crashed);
        (await scene.Storage.CommitAsync(claim)).Committed.ShouldBeTrue();
        await scene.Vault.RestartAsync();

        scene.Clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        grant.Calls.ShouldBe(0);

        await scene.TickUntilAsync(async () => (await grant.RowAsync()).Generation == 2, TimeSpan.FromSeconds(1));
        (await grant.RowAsync()).Attempt.ShouldBeNull();
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task F_16_An_answer_that_came_whole_counts_although_the_connection_broke_before_its_announced_end()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        scene.EndAccessTokens();
        grant.Provider.Refresh.Next(BrokenOff(() => grant.Provider.Commits[^1] is var given
            ? $$"""{"access_token":"{{given.AccessToken}}","refresh_token":"{{given.RefreshToken}}","expires_in":3600,"token_type":"Bearer"}"""
            : "").AfterCommit());

        (await grant.ExchangeAsync())["access_token"].ShouldBe(grant.Provider.Commits[^1].AccessToken);
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(2);
    }

    [Theory]
    [InlineData("application/json", """{"access_token":"half-of-it","refresh_token":"hal""")]
    [InlineData("application/json", """{"error":"invalid_grant"}""")]
    [InlineData("application/x-www-form-urlencoded", "access_token=half-of-it&refresh_token=hal")]
    public async Task F_16_What_came_of_an_answer_that_broke_off_is_kept_sealed_and_never_taken_for_all_of_it(string mediaType, string body)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        scene.EndAccessTokens();
        await grant.LoseAnswerAsync(BrokenOff(() => body, mediaType).AfterCommit());

        (await grant.RowAsync()).State.ShouldBe(TokensetState.Active);
        var receipts = await scene.Storage.ListAllAsync<RefreshReceipt>(EntityKey.Index("account", grant.AccountId), CancellationToken.None);
        var kept = receipts.ShouldHaveSingleItem();
        kept.Unread.ShouldBeTrue();
        scene.Vault.Service<KeyRing>().OpenText(kept.SealedAnswer, Aad.For(RefreshReceipt.Kind, kept.Id, kept.TokensetId, kept.UserId)).Reveal().ShouldBe(body);
    }

    /// <summary>The body comes, and then the connection ends before the length that was announced.</summary>
    private static Fault BrokenOff(Func<string> body, string mediaType = "application/json") => Fault.Status(200) with
    {
        Replace = async context =>
        {
            context.Response.ContentLength = 5000;
            context.Response.ContentType = mediaType;
            await context.Response.WriteAsync(body(), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        },
    };

    [Fact]
    public async Task F_16_An_answer_that_cannot_be_read_is_kept_sealed_and_told()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        scene.EndAccessTokens();
        await grant.LoseAnswerAsync(Fault.TruncatedJson());

        var receipts = await scene.Storage.ListAllAsync<RefreshReceipt>(EntityKey.Index("account", grant.AccountId), CancellationToken.None);
        var kept = receipts.ShouldHaveSingleItem();
        kept.Unread.ShouldBeTrue();
        var body = scene.Vault.Service<KeyRing>().OpenText(kept.SealedAnswer, Aad.For(RefreshReceipt.Kind, kept.Id, kept.TokensetId, kept.UserId));
        body.Reveal().ShouldBe("""{"access_token":"at","expires_in":36""");
        (await scene.AuditAsync("tokenset_answer_unread", grant.User.Id)).ShouldHaveSingleItem();
        scene.Vault.Log.Text.ShouldNotContain("\"expires_in\":36");
    }
}
