namespace TokenVault.Server.Connections;

/// <summary>
/// What a rotation class means for a refresh: how long to wait for its answer, and when to try again after one whose outcome is
/// not known.
/// </summary>
/// <param name="AnswerDeadline">Giving up on a provider that has rotated already is the loss itself: where the old token dies, wait long.</param>
/// <param name="RetryAfterUnknown">After a lease has run out on an unknown outcome: how long the node that holds the answer may still save it.</param>
/// <param name="FinalAfterUnknown">After an unknown outcome, how long <c>invalid_grant</c> may only mean that another node has rotated.</param>
internal sealed record RotationRules(TimeSpan AnswerDeadline, TimeSpan RetryAfterUnknown, TimeSpan FinalAfterUnknown)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Final = TimeSpan.FromSeconds(150);

    private static readonly RotationRules Tolerant = new(Short, TimeSpan.Zero, Final);

    private static readonly RotationRules SingleUse = new(Long, Short, Final);

    /// <summary>A second use ends the grant, so nobody may still hold the answer to the first.</summary>
    private static readonly RotationRules FamilyRevoking = new(Long, Final, Final);

    public static RotationRules Of(RotationClass rotation) => rotation switch
    {
        RotationClass.Stable or RotationClass.Overlap or RotationClass.Replay or RotationClass.None => Tolerant,
        RotationClass.SingleUse => SingleUse,
        _ => FamilyRevoking,
    };

    public static RotationClass? Parse(string? name) => name switch
    {
        "unknown" => RotationClass.Unknown,
        "stable" => RotationClass.Stable,
        "overlap" => RotationClass.Overlap,
        "replay" => RotationClass.Replay,
        "single_use" => RotationClass.SingleUse,
        "family_revoking" => RotationClass.FamilyRevoking,
        "none" => RotationClass.None,
        _ => null,
    };

    public static string Name(RotationClass rotation) => rotation switch
    {
        RotationClass.Stable => "stable",
        RotationClass.Overlap => "overlap",
        RotationClass.Replay => "replay",
        RotationClass.SingleUse => "single_use",
        RotationClass.FamilyRevoking => "family_revoking",
        RotationClass.None => "none",
        _ => "unknown",
    };
}
