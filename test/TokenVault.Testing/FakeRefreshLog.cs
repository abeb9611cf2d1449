using System.Text.Json;
using Microsoft.AspNetCore.Http;
using TokenVault.Server.Demo;

namespace TokenVault.Testing;

/// <summary>What the fake provider did for each refresh, and the way to be there at each stage of one.</summary>
internal sealed class FakeRefreshLog
{
    private readonly Lock _gate = new();
    private readonly List<FakeRefresh> _calls = [];
    private readonly Dictionary<string, List<FakeRefresh>> _byGrant = new(StringComparer.Ordinal);
    private SandboxEngine? _engine;

    /// <summary>Called at each stage of a refresh without a fault; the refresh waits for it.</summary>
    public Func<FakeRefresh, FakeRefreshStage, CancellationToken, Task>? At { get; set; }

    /// <summary>The process that holds a port; asked when a refresh comes.</summary>
    public Func<int, int>? FindCaller { get; set; }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _calls.Count;
            }
        }
    }

    /// <summary>The calls for one grant.</summary>
    public IReadOnlyList<FakeRefresh> Of(string grant)
    {
        lock (_gate)
        {
            return [.. _byGrant.GetValueOrDefault(grant) ?? []];
        }
    }

    public FakeRefresh Begin(SandboxEngine engine, HttpRequest request)
    {
        var presented = request.Form["refresh_token"].ToString();
        var grant = engine.GrantOf(presented);
        var caller = FindCaller?.Invoke(request.HttpContext.Connection.RemotePort) ?? 0;
        lock (_gate)
        {
            _engine = engine;
            var former = grant is null ? null : _byGrant.GetValueOrDefault(grant);
            var call = new FakeRefresh
            {
                Presented = presented,
                Grant = grant,
                Caller = caller,
                BeganAt = TimeProvider.System.GetTimestamp(),
                Overlaps = former?.Exists(other => other.EndedAt == 0 && !other.IsGone) == true,
                Gone = request.HttpContext.RequestAborted,
            };
            _calls.Add(call);
            if (grant is not null)
            {
                (former ?? (_byGrant[grant] = [])).Add(call);
            }

            return call;
        }
    }

    /// <summary>The provider's own answer, stage by stage.</summary>
    public async Task AnswerAsync(FakeRefresh call, HttpContext context, RequestDelegate next, CancellationToken cancellationToken)
    {
        await ReachAsync(call, FakeRefreshStage.Asked, cancellationToken);
        using var buffer = new MemoryStream();
        var wire = context.Response.Body;
        context.Response.Body = buffer;

        // A caller who has gone does not keep a provider from deciding, nor this log from knowing it.
        var gone = context.RequestAborted;
        context.RequestAborted = CancellationToken.None;
        await next(context);
        (context.RequestAborted, context.Response.Body) = (gone, wire);
        var answer = buffer.ToArray();
        Committed(call, answer);
        await ReachAsync(call, FakeRefreshStage.Committed, cancellationToken);
        var half = answer.Length / 2;
        if (At is not null)
        {
            await wire.WriteAsync(answer.AsMemory(0, half), cancellationToken);
            await wire.FlushAsync(cancellationToken);
            await ReachAsync(call, FakeRefreshStage.HalfAnswered, cancellationToken);
            answer = answer[half..];
        }

        call.SentAt = TimeProvider.System.GetTimestamp();
        await wire.WriteAsync(answer, cancellationToken);
        await wire.FlushAsync(cancellationToken);
        call.MarkAnswered();
        await ReachAsync(call, FakeRefreshStage.Answered, cancellationToken);
    }

    /// <summary>The provider has decided; what, stands in its answer.</summary>
    public void Committed(FakeRefresh? call, byte[] answer)
    {
        if (call is null || answer.Length == 0 || answer[0] != '{')
        {
            return;
        }

        using var json = JsonDocument.Parse(answer);
        if (json.RootElement.TryGetProperty("access_token", out var accessToken))
        {
            call.CommittedAt = TimeProvider.System.GetTimestamp();
            call.Commit = _engine!.CommitOf(accessToken.GetString()!);
        }
    }

    private Task ReachAsync(FakeRefresh call, FakeRefreshStage stage, CancellationToken cancellationToken) =>
        At?.Invoke(call, stage, cancellationToken) ?? Task.CompletedTask;
}
