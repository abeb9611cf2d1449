using TokenVault.Server.Demo;

namespace TokenVault.Faults.World;

/// <summary>How large a scenario's world is.</summary>
/// <param name="Factor">How much faster than real its time passes.</param>
internal sealed record WorldPlan(int Nodes, int Users, int Factor)
{
    public IReadOnlyList<SandboxRotation> Rotations { get; init; } = Enum.GetValues<SandboxRotation>();
}
