using TokenVault.Server.Connections;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>One slow or failing provider holds up nobody else, and is not hammered.</summary>
public sealed class ProviderGateTests
{
    private readonly VaultClock _clock = new();
    private readonly ProviderGates _gates;

    public ProviderGateTests() => _gates = new ProviderGates(_clock);

    [Fact]
    public async Task F_20_Thirty_two_calls_at_once_and_the_next_when_one_has_ended()
    {
        var gate = _gates.Of("slow");
        var places = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => gate.EnterAsync()));

        var next = gate.EnterAsync();
        next.IsCompleted.ShouldBeFalse();
        _gates.Of("another").EnterAsync().IsCompletedSuccessfully.ShouldBeTrue();
        places[0].Dispose();
        (await next.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System)).ShouldNotBeNull();
    }

    [Fact]
    public void F_12_Five_failures_in_ten_seconds_pause_the_connection_for_five()
    {
        var gate = _gates.Of("failing");
        Fail(gate, 4);
        gate.Paused.ShouldBeNull();
        Fail(gate, 1);

        gate.Paused.ShouldBe(TimeSpan.FromSeconds(5));
        _gates.Of("another").Paused.ShouldBeNull();
        _clock.Advance(TimeSpan.FromSeconds(5));
        gate.Paused.ShouldBeNull();
    }

    [Fact]
    public void F_12_Rare_failures_and_failures_between_successes_pause_nothing()
    {
        var gate = _gates.Of("shaky");
        for (var i = 0; i < 10; i++)
        {
            Fail(gate, 1);
            _clock.Advance(TimeSpan.FromSeconds(11));
        }

        for (var i = 0; i < 10; i++)
        {
            Fail(gate, 4);
            gate.Succeeded();
        }

        gate.Paused.ShouldBeNull();
    }

    [Theory]
    [InlineData(nameof(ProviderFailureKind.GrantRejected))]
    [InlineData(nameof(ProviderFailureKind.IdentityRejected))]
    public void F_12_One_users_dead_grant_pauses_nobody(string kind)
    {
        var gate = _gates.Of("fine");
        for (var i = 0; i < 20; i++)
        {
            gate.Failed(new ProviderFailure(Enum.Parse<ProviderFailureKind>(kind), "no"));
        }

        gate.Paused.ShouldBeNull();
    }

    [Fact]
    public void F_13_A_named_time_is_kept_and_a_shorter_one_does_not_shorten_it()
    {
        var gate = _gates.Of("busy");
        gate.Failed(new ProviderFailure(ProviderFailureKind.Unavailable, "429", TimeSpan.FromSeconds(60)));
        gate.Failed(new ProviderFailure(ProviderFailureKind.Unavailable, "429", TimeSpan.FromSeconds(1)));

        gate.Paused.ShouldBe(TimeSpan.FromSeconds(60));
        _clock.Advance(TimeSpan.FromSeconds(60));
        gate.Paused.ShouldBeNull();
    }

    private static void Fail(ProviderGate gate, int times)
    {
        for (var i = 0; i < times; i++)
        {
            gate.Failed(new ProviderFailure(ProviderFailureKind.Unavailable, "503"));
        }
    }
}
