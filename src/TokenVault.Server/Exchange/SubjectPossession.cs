using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Exchange;

/// <summary>
/// The proof of the keys that an API's subject token is bound to (T-CA-10): by whoever sends the request, or passed on by the API, which was
/// called with one. A proof that is passed on may come again while it is young: the API exchanges for several targets, and tries again.
/// </summary>
internal sealed class SubjectPossession(DpopProofs proofs, TokenVaultOptions options)
{
    /// <param name="passedOn">The proof that the API was called with; null when it sent none.</param>
    /// <returns>What is missing; null when nothing is.</returns>
    public string? Problem(Secret token, Confirmation boundTo, Confirmation proven, Secret? passedOn)
    {
        if (options.ProofOfPossession.TrustApis || boundTo.IsMetBy(proven))
        {
            return null;
        }

        if (passedOn is null)
        {
            return "the token is bound to a key that nothing proves";
        }

        if (proofs.CheckPassedOn(passedOn.Reveal(), token.Reveal(), out var problem) is not { } proof)
        {
            return problem;
        }

        return boundTo.IsMetBy(proven with { KeyThumbprint = proof.KeyThumbprint }) ? null : "the token is bound to another key";
    }
}
