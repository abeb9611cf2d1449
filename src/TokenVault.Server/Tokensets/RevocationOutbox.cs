using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>Takes down what providers are to forget, in the commit that gives the tokens up; <see cref="RevocationService"/> sees to it.</summary>
internal sealed class RevocationOutbox(KeyRing ring, TimeProvider time)
{
    /// <summary>The refresh token ends the whole grant; without one, the access token is what there is.</summary>
    public Batch Enqueue(Batch batch, TokenOwner owner, Connection connection, Secret accessToken, Secret? refreshToken)
    {
        var now = time.GetUtcNow();
        var revocation = new PendingRevocation
        {
            Id = "rev_" + Identifier.Secret(),
            UserId = owner.UserId,
            AccountId = owner.AccountId,
            TokensetId = owner.TokensetId,
            Issuer = owner.Issuer,
            UpstreamUserId = owner.UpstreamUserId,
            Connection = connection,
            Hint = refreshToken is null ? "access_token" : "refresh_token",
            CreatedAt = now,
            NextAttemptAt = now,
        };
        return batch.Insert(revocation with { SealedToken = Seal(revocation, refreshToken ?? accessToken) });
    }

    public byte[] Seal(PendingRevocation revocation, Secret token) => ring.SealText(token, revocation.Identity());

    /// <exception cref="BrokenSealException">The row was altered.</exception>
    public Secret TokenOf(PendingRevocation revocation) => ring.OpenText(revocation.SealedToken, revocation.Identity());
}
