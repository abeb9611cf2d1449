using TokenVault.Server.Demo;

namespace TokenVault.Testing;

/// <summary>One call of the fake provider's token endpoint with a refresh token. Times are <see cref="TimeProvider.System"/>'s timestamps.</summary>
internal sealed class FakeRefresh
{
    /// <summary>The refresh token that came.</summary>
    public required string Presented { get; init; }

    /// <summary>The grant it was issued for; null when it never was.</summary>
    public required string? Grant { get; init; }

    public required long BeganAt { get; init; }

    /// <summary>Others for the same grant were being answered when this one came.</summary>
    public required bool Overlaps { get; init; }

    /// <summary>Cancelled when the caller goes away.</summary>
    public required CancellationToken Gone { get; init; }

    public bool IsGone => Gone.IsCancellationRequested;

    /// <summary>The process that called; 0 when nobody looked for it, or it was not found.</summary>
    public required int Caller { get; init; }

    /// <summary>What the provider decided; null: nothing, or a refusal.</summary>
    public SandboxCommit? Commit { get; set; }

    public long CommittedAt { get; set; }

    /// <summary>When the last byte of the true answer was about to leave; 0 when it never was.</summary>
    public long SentAt { get; set; }

    /// <summary>When it had left; 0 when it never did.</summary>
    public long AnsweredAt { get; private set; }

    /// <summary>When the provider was done with it, or the caller had gone; 0 until then.</summary>
    public long EndedAt { get; private set; }

    /// <summary>The true answer is out, if there is one.</summary>
    public void MarkAnswered() => AnsweredAt = Commit is null ? 0 : TimeProvider.System.GetTimestamp();

    public void MarkEnded() => EndedAt = TimeProvider.System.GetTimestamp();
}

/// <summary>How far a refresh has come.</summary>
internal enum FakeRefreshStage
{
    /// <summary>The request has been read; nothing is decided.</summary>
    Asked,

    /// <summary>The new tokens are issued; the caller has nothing of them.</summary>
    Committed,

    /// <summary>Half of the answer's body is on its way.</summary>
    HalfAnswered,

    /// <summary>All of it is.</summary>
    Answered,
}
