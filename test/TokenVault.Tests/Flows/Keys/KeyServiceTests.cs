using System.Net;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;
using TokenVault.Tests.Keys;

namespace TokenVault.Tests.Flows.Keys;

/// <summary>What a server does about its keys by itself.</summary>
public sealed class KeyServiceTests : IAsyncLifetime
{
    private TestVault _vault = null!;

    public async Task InitializeAsync()
    {
        _vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Keys:RetireAfter"] = "01:00:00" });
        await new SealedStore(_vault.Storage, _vault.Service<KeyRing>(), _vault.Clock).FillAsync(tokensets: 300);
    }

    public async Task DisposeAsync() => await _vault.DisposeAsync();

    [Fact]
    public async Task F_21_After_a_rotation_the_server_rewraps_and_later_retires_the_old_key_without_being_asked()
    {
        var old = _vault.Service<KeyRing>().SealingId;
        await _vault.Service<KeyRotation>().RotateAsync(CancellationToken.None);

        await VaultScene.UntilAsync(async () => await StateAsync() is { FinishedAt: not null, CleanSince: not null }, () => _vault.Clock.Advance(TimeSpan.FromMilliseconds(100)));
        (await StateAsync())!.RewrappedInAll.ShouldBe(365);
        (await OldKeyAsync(old)).RetiredAt.ShouldBeNull();

        await VaultScene.UntilAsync(async () => (await OldKeyAsync(old)).RetiredAt is not null, () => _vault.Clock.Advance(TimeSpan.FromMinutes(1)));
        (await OldKeyAsync(old)).RetiredAt!.Value.ShouldBeGreaterThanOrEqualTo((await StateAsync())!.CleanSince!.Value.AddHours(1));
        (await OldKeyAsync(old)).Wrapped.ShouldBeEmpty();

        await _vault.RestartAsync();
        var result = await new KeyVerification(new SealedRows(_vault.Storage, TokenVault.Server.SealedNouns.All), _vault.Service<KeyRing>())
            .VerifyAsync((_, _) => { }, CancellationToken.None);
        result.Broken.ShouldBe(0);
    }

    [Fact]
    public async Task A_server_that_cannot_unwrap_a_new_vault_key_is_not_ready_and_says_why()
    {
        (await ReadyAsync()).ShouldBe(HttpStatusCode.OK);
        var foreign = FileRootKey.Create(Path.Combine(_vault.DataDirectory, "foreign.key"));
        await _vault.Storage.CommitAsync(new Batch().Insert(VaultKey.Create(2, foreign, _vault.Clock.GetUtcNow()).Stored));

        await VaultScene.UntilAsync(async () => await ReadyAsync() == HttpStatusCode.ServiceUnavailable);

        // The operator puts the root key in its place.
        File.Move(Path.Combine(_vault.DataDirectory, "foreign.key"), Path.Combine(_vault.DataDirectory, "root.key.previous"));
        await VaultScene.UntilAsync(async () => await ReadyAsync() == HttpStatusCode.OK);
    }

    private async Task<HttpStatusCode> ReadyAsync()
    {
        // Answers of one second share a probe.
        _vault.Clock.Advance(TimeSpan.FromSeconds(1));
        using var response = await _vault.Api.Http.GetAsync(new Uri($"{_vault.Issuer}health/ready"));
        return response.StatusCode;
    }

    private async Task<KeyRewrapState?> StateAsync() => await _vault.Storage.FindAsync<KeyRewrapState>(KeyRewrapState.OnlyId, CancellationToken.None);

    private async Task<VaultKey> OldKeyAsync(ulong id) =>
        (await _vault.Storage.FindAsync<VaultKey>(VaultKey.Name(id), CancellationToken.None)).ShouldNotBeNull();
}
