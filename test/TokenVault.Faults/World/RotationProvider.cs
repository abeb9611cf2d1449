using TokenVault.Faults.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Faults.World;

/// <summary>A provider of one rotation class, and the connection to it, which has the class's name.</summary>
internal sealed class RotationProvider : IAsyncDisposable
{
    private static readonly TimeSpan AccessTokenLifetime = TimeSpan.FromDays(30);

    /// <summary>By the system's time, as starting a node is: neither is faster when the nodes' clock is.</summary>
    private static readonly TimeSpan OverlapWindow = TimeSpan.FromMinutes(10);

    private RotationProvider(SandboxRotation rotation, FakeProvider fake)
    {
        Rotation = rotation;
        Fake = fake;
    }

    public SandboxRotation Rotation { get; }

    public FakeProvider Fake { get; }

    public SandboxEngine Engine => Fake.Sandbox.Engine;

    /// <summary>As the Management API writes it.</summary>
    public string Class => Rotation switch
    {
        SandboxRotation.Stable => "stable",
        SandboxRotation.Overlap => "overlap",
        SandboxRotation.Replay => "replay",
        SandboxRotation.SingleUse => "single_use",
        _ => "family_revoking",
    };

    public string Connection => Class.Replace('_', '-');

    /// <summary>With OpenID Connect, an answer holds an ID token, too, which is looked at before the answer is anybody's.</summary>
    public bool SpeaksOpenIdConnect => Rotation is SandboxRotation.Overlap or SandboxRotation.SingleUse;

    /// <summary>Where a crash between the provider's decision and our receipt costs the grant, whatever anybody does.</summary>
    public bool LosesUnreceivedAnswers => Rotation is SandboxRotation.SingleUse or SandboxRotation.FamilyRevoking;

    /// <param name="factor">How fast the clock will be.</param>
    /// <param name="processes">Who may be calling.</param>
    public static async Task<RotationProvider> StartAsync(
        SandboxRotation rotation, IReadOnlyList<SandboxPerson> people, FastClock clock, int factor, Func<IEnumerable<int>> processes)
    {
        var options = FakeProvider.Defaults() with
        {
            Rotation = rotation,
            People = people,
            AccessTokenLifetime = AccessTokenLifetime,
            OverlapWindow = OverlapWindow * factor,
        };
        var provider = new RotationProvider(rotation, await FakeProvider.StartAsync(options, clock));
        provider.Fake.Refreshes.FindCaller = port => CallerFinder.Find(port, processes());
        return provider;
    }

    public ValueTask DisposeAsync() => Fake.DisposeAsync();
}
