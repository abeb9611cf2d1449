namespace TokenVault.Server;

/// <summary>What this deployment demands of tokens that are bound to a key.</summary>
internal sealed class ProofOfPossessionOptions
{
    /// <summary>
    /// Whether an API's client may exchange the bound access tokens that the API was called with, without passing the proof on: the API is
    /// trusted to have judged it.
    /// </summary>
    public bool TrustApis { get; set; }
}
