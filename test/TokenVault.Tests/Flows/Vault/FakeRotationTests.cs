using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What the fault harness takes for granted: each rotation class does with used refresh tokens what its name says.</summary>
public sealed class FakeRotationTests
{
    private readonly VaultClock _clock = new();

    [Fact]
    public void Overlap_takes_a_used_token_for_a_while_and_each_use_brings_another_live_one()
    {
        var (engine, first) = Connect(SandboxRotation.Overlap);
        var second = engine.Refresh(first)!.RefreshToken!;
        var third = engine.Refresh(first)!.RefreshToken!;

        third.ShouldNotBe(second);
        engine.Honours(second).ShouldBeTrue();
        _clock.Advance(TimeSpan.FromMinutes(10));
        engine.Honours(first).ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(1));
        engine.Refresh(first).ShouldBeNull();
        engine.Honours(second).ShouldBeTrue();
        engine.Honours(third).ShouldBeTrue();
    }

    [Fact]
    public void Replay_brings_the_same_successor_until_that_has_been_used()
    {
        var (engine, first) = Connect(SandboxRotation.Replay);
        var second = engine.Refresh(first)!;
        var again = engine.Refresh(first)!;

        (again.AccessToken, again.RefreshToken).ShouldBe((second.AccessToken, second.RefreshToken));
        engine.Refresh(second.RefreshToken!).ShouldNotBeNull();
        engine.Refresh(first).ShouldBeNull();
    }

    [Theory]
    [InlineData("single_use", true)]
    [InlineData("family_revoking", false)]
    public void A_used_token_is_dead_and_takes_its_family_with_it_where_the_class_says_so(string rotation, bool successorLives)
    {
        var (engine, first) = Connect(rotation == "single_use" ? SandboxRotation.SingleUse : SandboxRotation.FamilyRevoking);
        var second = engine.Refresh(first)!.RefreshToken!;

        engine.Honours(first).ShouldBeFalse();
        engine.Honours(second).ShouldBeTrue();
        engine.Refresh(first).ShouldBeNull();
        engine.Honours(second).ShouldBe(successorLives);
    }

    private (SandboxEngine Engine, string RefreshToken) Connect(SandboxRotation rotation)
    {
        var engine = new SandboxEngine(FakeProvider.Defaults() with { Rotation = rotation }, _clock);
        var code = engine.Authorize(loginHint: null, "https://localhost/callback", [], challenge: null, nonce: null);
        return (engine, engine.Redeem(code, "https://localhost/callback", verifier: null)!.RefreshToken!);
    }
}
