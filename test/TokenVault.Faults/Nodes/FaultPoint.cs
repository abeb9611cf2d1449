namespace TokenVault.Faults.Nodes;

/// <summary>Where in a refresh something happens to a process.</summary>
internal enum FaultPoint
{
    /// <summary>Before lease and intent are written.</summary>
    BeforeClaim,

    /// <summary>They are durable; the process does not know it yet, and has not sent anything.</summary>
    AfterClaim,

    /// <summary>The provider has the request, and has decided nothing.</summary>
    Asked,

    /// <summary>The provider has issued new tokens and said nothing.</summary>
    Committed,

    /// <summary>Half of the answer is on its way.</summary>
    HalfAnswered,

    /// <summary>The answer is complete; receipt, tokens and audit row are not written.</summary>
    BeforeLanding,

    /// <summary>They are durable; nobody has been answered.</summary>
    AfterLanding,

    /// <summary>Somewhere, after a random time.</summary>
    Anywhere,
}

/// <summary>What happens there.</summary>
internal enum FaultAct
{
    Kill,
    Stop,
}
