using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// A user's second factors, as administrators see and remove them: for whoever has lost the device and the recovery codes too. None can be
/// made here: it is the user who proves one.
/// </summary>
internal sealed class FactorEndpoints(ManagementRecords records, AuditLog audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        const string all = "/users/{id}/authentication-methods";
        routes.MapManagement("GET", all, "read:authentication_methods", ListAsync).Describe(FactorDocs.List);
        routes.MapManagement("DELETE", all, "delete:authentication_methods", request => RemoveAsync(request, _ => null)).Describe(FactorDocs.RemoveAll);
        routes.MapManagement("DELETE", all + "/{method}", "delete:authentication_methods", request => RemoveAsync(request, factors => Without(factors, request.Path("method"))))
            .Describe(FactorDocs.Remove);
    }

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("user");
        }

        var factors = FactorView.Of(await records.Storage.FindAsync<UserFactors>(userId, request.Cancellation));
        return records.Checkpoint(request, "authenticators", userId, factors, factor => factor.Id, factor => factor.Managed());
    }

    /// <param name="remaining">What is left of the factors; null for nothing.</param>
    private Task<ManagementAnswer> RemoveAsync(ManagementRequest request, Func<UserFactors, UserFactors?> remaining)
    {
        var userId = request.Path("id");
        return records.WriteAsync(request, "Remove a second factor", async () =>
        {
            if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
            {
                return ManagementError.Inexistent("user");
            }

            if (await records.Storage.FindAsync<UserFactors>(userId, request.Cancellation) is not { } factors || remaining(factors) is var left && left == factors)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            // Browsers were known by what is removed: an adaptive policy asks in them again.
            var batch = new Batch().DeleteIndexed(KnownBrowser.IndexName, userId).Append(audit.Row(Removed(request, userId)));
            batch = left is { Any: true } ? batch.Replace(left) : batch.Delete(factors);
            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = userId };
        });
    }

    private static UserFactors Without(UserFactors factors, string id)
    {
        if (id == factors.TotpId)
        {
            return factors with { TotpId = null, SealedTotpSecret = null, TotpCreatedAt = null, TotpUsedAt = null };
        }

        if (id == factors.RecoveryId)
        {
            return factors with { RecoveryId = null, RecoveryHashes = [], RecoveryCreatedAt = null };
        }

        var kept = factors.Passkeys.Where(passkey => passkey.Id != id).ToList();
        return kept.Count == factors.Passkeys.Count ? factors : factors with { Passkeys = kept };
    }

    private static AuditEvent Removed(ManagementRequest request, string userId) => new()
    {
        Type = AuditType.FactorRemoved,
        UserId = userId,
        ClientId = request.Caller.ClientId,
        Ip = request.Origin.Ip,
        UserAgent = request.Origin.UserAgent,
    };
}
