using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Keys;

/// <summary>The way from an old vault key to the new one: everything, without disturbing anybody, and to be continued after any end.</summary>
public sealed class KeyRewrapTests : IAsyncLifetime
{
    private static readonly TimeSpan RetireAfter = TimeSpan.FromDays(30);

    private KeyStore _store = null!;
    private KeyRing _ring = null!;
    private SealedStore _sealed = null!;

    public async Task InitializeAsync()
    {
        _store = KeyStore.Open();
        _ring = await _store.OpenRingAsync();
        _sealed = new SealedStore(_store.Storage, _ring, _store.Clock);
    }

    public async Task DisposeAsync()
    {
        await _ring.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task T_EN_10_Everything_comes_under_the_new_key_and_no_row_gets_another_version()
    {
        await _sealed.FillAsync(tokensets: 450);
        var (old, before) = (_ring.SealingId, await VersionsAsync());
        await RotateAsync();
        var states = new List<KeyRewrapState>();

        (await Rewrap().RunAsync(states.Add, anew: false, CancellationToken.None)).ShouldBe(RewrapOutcome.Done);

        var counts = await Verification().CountAsync(CancellationToken.None);
        counts.ShouldNotContainKey(VaultKey.Name(old));
        counts[VaultKey.Name(_ring.SealingId)].ShouldBe(1 + 4 + 30 + 450 + 10 + 10 + 40 + 10 + 30);
        var last = states[^1];
        (last.Pass, last.RewrappedInAll, last.LeftBehind, last.Done).ShouldBe((2, 515, 0, 515));
        last.Total.ShouldBe(515);
        (await VersionsAsync()).ShouldBe(before);
        (await Verification().VerifyAsync((_, _) => { }, CancellationToken.None)).ShouldBe(new VerificationResult(515, 585, 0));

        // A further run finds nothing.
        (await Rewrap().RunAsync(states.Add, anew: true, CancellationToken.None)).ShouldBe(RewrapOutcome.Done);
        (states[^1].Pass, states[^1].RewrappedInAll).ShouldBe((1, 0));
    }

    [Fact]
    public async Task What_a_newer_version_of_the_server_wrote_into_a_row_stays_there()
    {
        await _sealed.FillAsync(tokensets: 1, others: 0);
        var row = (await _store.Storage.ListAsync(new ListQuery(Tokenset.Kind), CancellationToken.None)).Single();
        var body = System.Text.Json.Nodes.JsonNode.Parse(row.Body)!;
        body["of_tomorrow"] = "é<+>";
        await _store.Storage.CommitAsync(new Batch().Rewrite(row with { Body = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()) }));
        await RotateAsync();

        await Rewrap().RunAsync(_ => { }, anew: false, CancellationToken.None);

        row = (await _store.Storage.ListAsync(new ListQuery(Tokenset.Kind), CancellationToken.None)).Single();
        ((string?)System.Text.Json.Nodes.JsonNode.Parse(row.Body)!["of_tomorrow"]).ShouldBe("é<+>");
        new TokensetSealer(_ring).Open(row.ToRecord<Tokenset>()).AccessToken.Reveal().ShouldBe(SealedStore.TokenOf(row.Id).Reveal());
    }

    [Fact]
    public async Task F_21_A_run_that_was_broken_off_goes_on_where_it_ended()
    {
        await _sealed.FillAsync(tokensets: 1_000);
        await RotateAsync();
        using var end = new CancellationTokenSource();
        var reached = 0L;
        await Should.ThrowAsync<OperationCanceledException>(() => Rewrap().RunAsync(
            state =>
            {
                if (state.Done > 400)
                {
                    reached = state.Done;
                    end.Cancel();
                }
            },
            anew: false,
            end.Token));

        var first = 0L;
        await Rewrap().RunAsync(state => first = first == 0 ? state.Done : first, anew: true, CancellationToken.None);

        reached.ShouldBeInRange(401, 800);
        first.ShouldBe(reached + 200);
        (await Verification().CountAsync(CancellationToken.None)).Keys.ShouldHaveSingleItem().ShouldBe(VaultKey.Name(_ring.SealingId));
    }

    [Fact]
    public async Task T_RC_01_A_writer_who_works_with_a_row_meanwhile_neither_loses_nor_is_lost()
    {
        await _sealed.FillAsync(tokensets: 300, others: 0);
        await RotateAsync();
        var tokensets = await _store.Storage.ListAllAsync<Tokenset>(index: null, CancellationToken.None);

        // Each batch finds that some of its rows have just been written, with what they held before.
        var writing = tokensets.Select(tokenset => tokenset with { UpstreamEmail = "new@example.com" }).ToList();
        await Rewrap().RunAsync(
            state =>
            {
                foreach (var written in writing.Take(40).ToList())
                {
                    _store.Storage.CommitAsync(new Batch().Replace(written)).AsTask().GetAwaiter().GetResult().Committed.ShouldBeTrue();
                    writing.Remove(written);
                }
            },
            anew: false,
            CancellationToken.None);

        var after = await _store.Storage.ListAllAsync<Tokenset>(index: null, CancellationToken.None);
        var sealer = new TokensetSealer(_ring);
        after.ShouldAllBe(tokenset => sealer.Open(tokenset).AccessToken.Reveal() == SealedStore.TokenOf(tokenset.Id).Reveal());
        after.Count(tokenset => tokenset is { Version: 2, UpstreamEmail: "new@example.com" }).ShouldBe(300 - writing.Count);
        writing.Count.ShouldBeLessThan(300);
    }

    [Fact]
    public async Task Two_nodes_do_not_do_it_together()
    {
        await _sealed.FillAsync(tokensets: 500, others: 0);
        await RotateAsync();
        RewrapOutcome? second = null;

        await Rewrap().RunAsync(
            _ => second ??= Rewrap().RunAsync(_ => { }, anew: false, CancellationToken.None).GetAwaiter().GetResult(), anew: false, CancellationToken.None);

        second.ShouldBe(RewrapOutcome.Busy);
    }

    [Fact]
    public async Task T_EN_10_A_replaced_key_goes_when_nothing_has_referred_to_it_for_the_time_and_not_before()
    {
        await _sealed.FillAsync(tokensets: 10);
        var old = _ring.SealingId;
        await RotateAsync();
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldBeEmpty();
        await Rewrap().RunAsync(_ => { }, anew: false, CancellationToken.None);
        _store.Clock.Advance(RetireAfter - TimeSpan.FromMinutes(1));
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldBeEmpty();

        _store.Clock.Advance(TimeSpan.FromMinutes(1));
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldHaveSingleItem().KekId.ShouldBe(old);

        var keys = await _store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None);
        keys.Single(key => key.KekId == old).Wrapped.ShouldBeEmpty();
        await using var next = await _store.OpenRingAsync();
        next.SealingId.ShouldBe(_ring.SealingId);
        (await Verification().VerifyAsync((_, _) => { }, CancellationToken.None)).Broken.ShouldBe(0);
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_EN_10_A_value_that_was_written_back_under_the_old_key_keeps_that_key()
    {
        await _sealed.FillAsync(tokensets: 10);
        var stale = (await _store.Storage.ListAllAsync<Tokenset>(index: null, CancellationToken.None))[0];
        await RotateAsync();
        await Rewrap().RunAsync(_ => { }, anew: false, CancellationToken.None);
        (await _store.Storage.CommitAsync(new Batch().Replace(stale with { UpstreamEmail = "late@example.com" }))).Committed.ShouldBeTrue();
        _store.Clock.Advance(RetireAfter);

        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldBeEmpty();

        // It has been put right, and the wait begins again.
        var now = (await _store.Storage.FindAsync<Tokenset>(stale.Id, CancellationToken.None)).ShouldNotBeNull();
        Envelope.TryReadKekId(now.SealedTokens, out var id).ShouldBeTrue();
        id.ShouldBe(_ring.SealingId);
        _store.Clock.Advance(RetireAfter);
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task F_38_A_value_that_does_not_open_is_left_as_it_is_and_keeps_the_old_keys()
    {
        await _sealed.FillAsync(tokensets: 10);
        var broken = (await _store.Storage.ListAllAsync<Tokenset>(index: null, CancellationToken.None))[3];
        broken.SealedTokens[^1] ^= 1;
        await _store.TamperAsync(broken);
        await RotateAsync();
        KeyRewrapState? last = null;

        await Rewrap().RunAsync(state => last = state, anew: false, CancellationToken.None);

        (last!.LeftBehind, last.CleanSince).ShouldBe((1, null));
        (await _store.Storage.FindAsync<Tokenset>(broken.Id, CancellationToken.None))!.SealedTokens.ShouldBe(broken.SealedTokens);
        _store.Clock.Advance(RetireAfter * 2);
        (await Rewrap().RetireAsync(RetireAfter, CancellationToken.None)).ShouldBeEmpty();
    }

    private async Task RotateAsync()
    {
        await new KeyRotation(_store.Storage, _ring, new RootKeys(_store.RootKeyFile), new AuditLog(_ring, _store.Clock), _store.Clock).RotateAsync(CancellationToken.None);
        (await Rewrap().RunAsync(_ => { }, anew: false, CancellationToken.None)).ShouldBe(RewrapOutcome.NotYet);
        _store.Clock.Advance(KeyRingSource.Announcement);
    }

    private KeyRewrap Rewrap() =>
        new(_store.Storage, _ring, SealedNouns.All, new AuditLog(_ring, _store.Clock), _store.Clock, NullLogger<KeyRewrap>.Instance);

    private KeyVerification Verification() => new(new SealedRows(_store.Storage, SealedNouns.All), _ring);

    /// <summary>Connections are kept in memory by servers, which have to hear of it.</summary>
    private async Task<List<(string Kind, string Id, long Version)>> VersionsAsync()
    {
        var versions = new List<(string, string, long)>();
        await foreach (var (noun, row) in new SealedRows(_store.Storage, SealedNouns.All).ReadAsync(CancellationToken.None))
        {
            versions.Add((noun.Kind, row.Id, noun.Kind == "connection" ? 0 : row.Version));
        }

        return versions;
    }
}
