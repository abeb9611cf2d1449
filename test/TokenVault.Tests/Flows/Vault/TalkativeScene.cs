using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>With everything that can be logged, and a client secret at the provider that is worth looking for.</summary>
public sealed class TalkativeScene : VaultScene
{
    private TelemetryReceiver _receiver = null!;

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["Logging:LogLevel:Default"] = "Trace",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _receiver.Address,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
    };

    private protected override SandboxOptions ProviderOptions =>
        FakeProvider.Defaults() with { ClientSecret = "canary-secret-at-the-provider-0123456789", Rotation = SandboxRotation.SingleUse };

    public override async Task InitializeAsync()
    {
        _receiver = await TelemetryReceiver.StartAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    internal (string Name, string Content)[] Exported() =>
        [("metrics", _receiver.Metrics), ("traces", _receiver.Traces), ("exported log entries", _receiver.Logs)];
}
