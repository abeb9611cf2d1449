namespace TokenVault.Faults.World;

/// <summary>What an exchange came to.</summary>
internal enum ExchangeKind
{
    Token,

    /// <summary>Try again later.</summary>
    Unavailable,

    /// <summary>The user is asked to connect anew.</summary>
    ReauthorizationRequired,

    NotConnected,

    /// <summary>The node is gone, or stands still.</summary>
    NoAnswer,

    /// <summary>Nothing that should ever be answered.</summary>
    Other,
}

internal sealed record ExchangeOutcome(ExchangeKind Kind, string Text);
