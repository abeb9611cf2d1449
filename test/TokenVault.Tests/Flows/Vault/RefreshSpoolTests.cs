using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>An answer that the store cannot take is on the disk, and comes from there.</summary>
public sealed class RefreshSpoolTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const int SlotSize = 64 * 1024;
    private const int Slots = 256;

    [Fact]
    public async Task F_07_F_33_With_the_store_away_a_stop_ends_and_the_next_start_lands_the_answer()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var directory = await SpoolOneAsync(grant);
        var spool = Path.Combine(directory, "refresh.spool");
        var content = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(spool));
        var lost = grant.Provider.Commits[^1];
        content.ShouldNotContain(lost.AccessToken);
        content.ShouldNotContain(lost.RefreshToken!);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(spool).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        await using var heir = new RefreshNode(scene.Vault, directory);
        await heir.Saver.DrainAsync();

        heir.Spool.Leftovers().ShouldBeEmpty();
        (await grant.RowAsync()).Attempt.ShouldBeNull();
        (await grant.ExchangeAsync())["access_token"].ShouldBe(lost.AccessToken);
        (await scene.AuditAsync("tokenset_refreshed", grant.User.Id)).Count.ShouldBe(1);
        grant.Calls.ShouldBe(1);
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Provider.LastRefreshTokenSent.ShouldBe(lost.RefreshToken);
    }

    [Fact]
    public async Task F_33_A_refresh_that_waits_for_its_turn_when_the_server_stops_is_not_sent()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        await node.StopAsync();

        (await node.RefreshAsync(grant)).Outage.ShouldBe("the server is stopping");
        grant.Calls.ShouldBe(0);
        (await grant.RowAsync()).Attempt.ShouldBeNull();
    }

    [Fact]
    public async Task F_07_Callers_are_told_to_come_back_and_the_answer_lands_when_the_store_is_back()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        node.Storage.Refuses = TamperedStorage.Lands;
        var waiting = node.RefreshAsync(grant);
        await scene.TickUntilAsync(() => Task.FromResult(waiting.IsCompleted));
        (await waiting).Outage.ShouldNotBeNull();
        (await grant.RowAsync()).Generation.ShouldBe(1);

        node.Storage.Refuses = _ => false;

        await scene.TickUntilAsync(async () => (await grant.RowAsync()).Generation == 2);
        (await grant.ExchangeAsync())["access_token"].ShouldBe(grant.Provider.Commits[^1].AccessToken);
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task F_03_An_answer_is_on_the_disk_while_a_store_that_hangs_has_neither_taken_nor_refused_it()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var other = await AnswerAsync(grant);
        var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Storage.Holds = batch => TamperedStorage.Lands(batch) ? hang.Task : Task.CompletedTask;
        var refresh = node.RefreshAsync(grant);
        await scene.TickUntilAsync(() => Task.FromResult(SlotAfter(node.Spool, other) == 1));

        // Killed at this moment.
        node.Spool.Dispose();
        await using (var heir = new RefreshNode(scene.Vault, node.Directory))
        {
            await heir.Saver.DrainAsync();
            heir.Spool.Leftovers().ShouldBeEmpty();
        }

        (await grant.RowAsync()).Generation.ShouldBe(2);
        (await grant.ExchangeAsync())["access_token"].ShouldBe(grant.Provider.Commits[^1].AccessToken);
        hang.SetResult();
        await node.DisposeAsync();
        await refresh;
    }

    [Fact]
    public async Task F_16_An_unread_answer_as_large_as_any_that_is_taken_fits_a_slot()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var page = string.Concat(Enumerable.Range(0, 64 * 1024 / 8).Select(i => $"<p>{i:0000}\n"))[..(64 * 1024)];
        var unread = (await AnswerAsync(grant)) with { Tokens = null, UnreadBody = page };
        var directory = NewDirectory();
        using (var spool = Open(directory))
        {
            spool.Write(unread).ShouldBe(0);
        }

        using var reopened = Open(directory);
        reopened.Leftovers().ShouldHaveSingleItem().Answer.UnreadBody.ShouldBe(page);
    }

    [Fact]
    public async Task F_07_An_answer_that_landed_before_its_slot_was_cleared_does_not_land_twice()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var directory = await SpoolOneAsync(grant);
        var spool = Path.Combine(directory, "refresh.spool");
        File.Copy(spool, spool + ".before");
        await using (var heir = new RefreshNode(scene.Vault, directory))
        {
            await heir.Saver.DrainAsync();
        }

        File.Move(spool + ".before", spool, overwrite: true);
        await using var again = new RefreshNode(scene.Vault, directory);
        await again.Saver.DrainAsync();

        again.Spool.Leftovers().ShouldBeEmpty();
        (await grant.RowAsync()).Generation.ShouldBe(2);
        (await scene.Storage.ListAllAsync<RefreshSpare>(EntityKey.Index("account", grant.AccountId), CancellationToken.None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task F_07_F_35_A_spooled_answer_of_an_account_that_is_gone_is_revoked()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var directory = await SpoolOneAsync(grant);
        var lost = grant.Provider.Commits[^1];
        await grant.DisconnectAsync();

        await using var heir = new RefreshNode(scene.Vault, directory);
        await heir.Saver.DrainAsync();

        heir.Spool.Leftovers().ShouldBeEmpty();
        (await grant.FindRowAsync()).ShouldBeNull();
        await VaultScene.UntilAsync(() => Task.FromResult(grant.Provider.Revocation.Calls == 2));
        grant.Provider.IsLive(lost.AccessToken).ShouldBeFalse();
    }

    [Fact]
    public async Task F_10_A_full_spool_says_so_and_a_cleared_slot_is_used_again()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var answer = await AnswerAsync(grant);
        using var spool = Open(NewDirectory());
        for (var slot = 0; slot < Slots; slot++)
        {
            spool.Write(answer).ShouldBe(slot);
        }

        spool.Write(answer).ShouldBeNull();
        spool.Clear(5);
        spool.Write(answer).ShouldBe(5);
    }

    [Fact]
    public async Task F_10_The_space_is_taken_beforehand_and_an_answer_too_large_for_a_slot_is_refused()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var answer = await AnswerAsync(grant);
        var directory = NewDirectory();
        using var spool = Open(directory);
        new FileInfo(Path.Combine(directory, "refresh.spool")).Length.ShouldBe((long)Slots * SlotSize);

        spool.Write(answer with { UnreadBody = Convert.ToBase64String(RandomNumberGenerator.GetBytes(2 * SlotSize)) }).ShouldBeNull();
        spool.Write(answer).ShouldBe(0);
    }

    [Fact]
    public async Task F_38_A_corrupt_slot_is_left_alone_and_hides_no_other()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (answer, directory) = await WrittenAsync(grant, times: 3);

        Change(directory, 100, value => (byte)(value ^ 1));
        Change(directory, SlotSize, _ => 0x7f);

        using var reopened = Open(directory);
        reopened.Leftovers().Select(left => left.Slot).ShouldBe([2]);
        reopened.Write(answer).ShouldBe(3);
    }

    [Fact]
    public async Task F_27_A_slot_whose_length_was_not_written_yet_is_empty_and_one_half_written_does_not_open()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (answer, directory) = await WrittenAsync(grant, times: 2);

        for (var i = 0; i < 4; i++)
        {
            Change(directory, i, _ => 0);
        }

        for (var i = SlotSize + 200; i < SlotSize + 4096; i++)
        {
            Change(directory, i, _ => 0);
        }

        using var reopened = Open(directory);
        reopened.Leftovers().ShouldBeEmpty();
        reopened.Write(answer).ShouldBe(0);
    }

    [Fact]
    public async Task F_07_A_new_answer_does_not_overwrite_one_that_waits_for_its_drain()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (answer, directory) = await WrittenAsync(grant, times: 1);

        using var reopened = Open(directory);
        reopened.Write(answer).ShouldBe(1);
        var (slot, left) = reopened.Leftovers().ShouldHaveSingleItem();
        slot.ShouldBe(0);
        left.Tokens.ShouldBe(answer.Tokens! with { Scopes = left.Tokens!.Scopes });
        left.Attempt.ShouldBe(answer.Attempt);
    }

    /// <summary>A node that stops with an answer which the store did not take.</summary>
    private async Task<string> SpoolOneAsync(LoneGrant grant)
    {
        var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        node.Storage.Refuses = TamperedStorage.Lands;
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var refresh = node.RefreshAsync(grant);
        await gate.Entered;
        gate.Release();
        await node.StopAsync();
        (await refresh).Outage.ShouldNotBeNull();
        await node.DisposeAsync();
        (await grant.RowAsync()).Generation.ShouldBe(1);
        return node.Directory;
    }

    /// <summary>An answer in so many slots of a spool that was closed.</summary>
    private async Task<(SpooledAnswer Answer, string Directory)> WrittenAsync(LoneGrant grant, int times)
    {
        var (answer, directory) = (await AnswerAsync(grant), NewDirectory());
        using var spool = Open(directory);
        for (var slot = 0; slot < times; slot++)
        {
            spool.Write(answer).ShouldBe(slot);
        }

        return (answer, directory);
    }

    private RefreshSpool Open(string directory) =>
        new(new TokenVaultOptions { DataDirectory = directory }, scene.Vault.Service<KeyRing>(), NullLogger<RefreshSpool>.Instance);

    private async Task<SpooledAnswer> AnswerAsync(LoneGrant grant)
    {
        var now = scene.Clock.GetUtcNow();
        var row = await grant.RowAsync();
        var claimed = row with { Attempt = new RefreshAttempt("attempt", row.Generation, now, UnknownSince: null) };
        return SpooledAnswer.Of(claimed, new ReceivedTokens("at", "rt", ["a"], now, now, "hash"), await grant.ConnectionRowAsync());
    }

    /// <summary>Which slot is free.</summary>
    private static int? SlotAfter(RefreshSpool spool, SpooledAnswer answer)
    {
        var slot = spool.Write(answer);
        spool.Clear(slot!.Value);
        return slot;
    }

    private static string NewDirectory() => Directory.CreateTempSubdirectory("tokenvault-spool-").FullName;

    private static void Change(string directory, int offset, Func<byte, byte> change)
    {
        using var file = File.Open(Path.Combine(directory, "refresh.spool"), FileMode.Open);
        file.Seek(offset, SeekOrigin.Begin);
        var value = change((byte)file.ReadByte());
        file.Seek(offset, SeekOrigin.Begin);
        file.WriteByte(value);
    }
}
