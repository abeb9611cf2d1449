namespace TokenVault.Client.Wire;

/// <summary>What was tried, for the failure to say.</summary>
/// <param name="Signed">Something in the request is valid for a minute only.</param>
/// <param name="Completes">The last step of a connecting.</param>
internal sealed record FailureContext(string? Connection = null, IReadOnlyList<string>? Scopes = null, bool Signed = false, bool Completes = false);
