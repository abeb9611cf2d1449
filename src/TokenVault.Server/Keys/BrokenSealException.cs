namespace TokenVault.Server.Keys;

/// <summary>
/// A sealed value does not open. One message for every cause: what exactly failed would be an oracle, and the content stays out of it (T-EN-03).
/// </summary>
internal sealed class BrokenSealException(string purpose)
    : Exception($"A sealed value ({purpose}) does not open: it was changed, moved from elsewhere, or sealed with a key that is not here.")
{
    /// <summary>What the value was for, as the caller named it.</summary>
    public string Purpose { get; } = purpose;
}
