using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Diagnostics;

public sealed class TelemetryTests : VaultScene
{
    private TelemetryReceiver _receiver = null!;

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _receiver.Address,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
    };

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

    [Fact]
    public async Task T_AU_01_metrics_and_traces_tell_of_exchanges_and_hold_no_secret_and_no_query()
    {
        var user = await ConnectedUserAsync();
        var pending = await user.BeginAsync();
        await Vault.Api.SendAsync(HttpMethod.Get, "connected-accounts/connect?ticket=canary-value&state=canary-value");
        await user.Browser.GoAsync(pending.Link, "https://app.example/");
        EndAccessTokens();
        var answer = await user.ExchangeAsync();
        answer.Status.ShouldBe(200, answer.Text);
        (await user.ExchangeAsync("no-such-connection")).Status.ShouldBe(400);
        await SendWithTraceStateAsync();

        // Stopping sends what is left.
        await Vault.RestartAsync();
        foreach (var name in new[] { "tokenvault.exchanges", "tokenvault.refreshes", "tokenvault.upstream.duration", "http.server.request.duration" })
        {
            _receiver.Metrics.ShouldContain(name);
        }

        foreach (var text in new[] { "TokenVault.Audit", "tokenvault.log.type", "seta", "feta", "tokenvault.log.user_id", user.Id })
        {
            _receiver.Logs.ShouldContain(text);
        }

        _receiver.Logs.ShouldNotContain(answer["access_token"]!);
        _receiver.Traces.ShouldContain("/oauth/token");
        var sent = _receiver.Metrics + _receiver.Traces;
        string[] secrets =
        [
            "canary-value", user.AccessToken, user.RefreshToken, user.Id, user.Email, user.Password, answer["access_token"]!, pending.AuthSession,
            pending.Link[(pending.Link.IndexOf('=', StringComparison.Ordinal) + 1)..], "ticket=", "code=", "url.query", "url.path",
        ];
        secrets.Where(secret => sent.Contains(secret, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_log_that_is_longer_than_the_exporters_queue_gets_to_a_slow_receiver_whole()
    {
        _receiver.Delay = TimeSpan.FromMilliseconds(50);
        var audit = Vault.Service<AuditLog>();
        var batch = new Batch();
        for (var i = 0; i < 6000; i++)
        {
            batch.Append(audit.Row(new AuditEvent { Type = AuditType.SuccessfulLogout, Description = $"[entry {i}]" }));
        }

        (await Storage.CommitAsync(batch)).Committed.ShouldBeTrue();

        await UntilAsync(() => Task.FromResult(_receiver.Logs.Contains("[entry 5999]", StringComparison.Ordinal)));
        var logs = _receiver.Logs;
        Enumerable.Range(0, 6000).Where(i => !logs.Contains($"[entry {i}]", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Providers_are_not_told_our_trace_ids() => Vault.Service<EgressGuard>().CreateHandler().ActivityHeadersPropagator.ShouldBeNull();

    [Fact]
    public async Task A_receiver_whose_address_is_no_url_is_refused_at_the_start()
    {
        var start = () => TestVault.StartAsync(new Dictionary<string, string?> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4317" });

        (await Should.ThrowAsync<StartupException>(start)).Message.ShouldContain("OTEL_EXPORTER_OTLP_ENDPOINT");
    }

    private async Task SendWithTraceStateAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Vault.Issuer + "userinfo?access_token=canary-value");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        request.Headers.Add("tracestate", "canary-value=canary-value");
        request.Headers.Add("baggage", "secret=canary-value");
        using var response = await Vault.Api.Http.SendAsync(request);
    }
}
