using TokenVault.Server.Actions;
using TokenVault.Server.Approvals;
using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>What an approval is good for when it is redeemed: asked anew, for each of it can have changed since the user answered.</summary>
internal sealed class BackchannelAccess(IStorage storage, MultiFactorPolicy multiFactor, PostLoginActions actions)
{
    public async ValueTask<Outcome<BackchannelGrant>> FindAsync(Approval approval, TokenRequest request, CancellationToken cancellationToken)
    {
        if (await storage.FindAsync<User>(approval.UserId, cancellationToken) is not { Blocked: false } user)
        {
            return OAuthError.AccessDenied("The user is blocked.") with { Status = 400 };
        }

        if (await multiFactor.DemandsMoreAsync(approval.Methods, cancellationToken))
        {
            return OAuthError.AccessDenied("The user approved without the second factor that is demanded now.") with { Status = 400 };
        }

        // Never more than was approved; less, where the client may have less by now.
        var login = new PostLogin(TransactionProtocol.Ciba, request.Client, request.Origin, user)
        {
            Audience = approval.Audience,
            RequestedScopes = approval.Scopes,
            Methods = approval.Methods,
            IsApproved = true,
        };
        var access = await actions.AccessAsync(login, approval.Scopes, request.Proven, cancellationToken);
        return access.Failed(out var refused)
            ? refused
            : new BackchannelGrant(user, access.Value with { AuthorizationDetails = approval.AuthorizationDetails });
    }
}

internal sealed record BackchannelGrant(User User, ApiAccess Access);
