using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>The backchannel authentication endpoint (CIBA Core §7): a client asks for a user's approval, and polls for the outcome.</summary>
internal sealed class BackchannelEndpoint(
    IStorage storage, ClientAuthenticator authenticator, ApiAccessPolicy policy, ApprovalRequests approvals, AuditLog audit)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Wire.BackchannelPath, HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        var outcome = await RespondAsync(context);
        if (outcome.Failed(out var error))
        {
            await OAuthResponse.WriteErrorAsync(context, error);
            return;
        }

        var (approval, authReqId) = outcome.Value;
        await OAuthResponse.WriteAsync(context, 200, writer =>
        {
            writer.WriteString("auth_req_id", authReqId);
            writer.WriteNumber("expires_in", (long)(approval.Deadline - approval.RequestedAt).TotalSeconds);
            writer.WriteNumber("interval", approval.Interval);
            writer.WriteString("approval_uri", approval.Url(approvals.Issuer));
        });
    }

    private async ValueTask<Outcome<Started>> RespondAsync(HttpContext context)
    {
        var read = await RequestParameters.ReadBodyAsync(context.Request);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        var authenticated = await authenticator.AuthenticateAsync(context, read.Value);
        if (authenticated.Failed(out var unauthenticated))
        {
            return unauthenticated;
        }

        var client = authenticated.Value;
        var started = ClientRefusal(client) is { } refused ? refused : await StartAsync(context, read.Value, client);
        if (started.Failed(out var error))
        {
            var row = TokenIssuer.Event(AuditType.BackchannelNotStarted, client, RequestOrigin.Of(context)) with { Description = $"{error.Error}: {error.Description}" };
            await storage.CommitAsync(new Batch().Append(audit.Row(row)));
        }

        return started;
    }

    /// <summary>CIBA Core §4: the client is one that can prove who it is.</summary>
    private static OAuthError? ClientRefusal(Client client) =>
        client.IsPublic ? OAuthError.UnauthorizedClient("A public client may not ask for approvals.") with { Status = 400 }
        : client.MayUse(Wire.Ciba) ? null
        : OAuthError.GrantTypeNotAllowed(Wire.Ciba) with { Status = 400 };

    private async ValueTask<Outcome<Started>> StartAsync(HttpContext context, RequestParameters parameters, Client client)
    {
        var parsed = BackchannelRequest.Parse(parameters, approvals.Issuer);
        if (parsed.Failed(out var malformed))
        {
            return malformed;
        }

        var request = parsed.Value;
        if (await storage.FindAsync<User>(request.UserId, context.RequestAborted) is not { } user)
        {
            return BackchannelRequest.UnknownUser("There is no such user.");
        }

        if (user.Blocked)
        {
            return OAuthError.AccessDenied("The user is blocked.");
        }

        var access = await policy.ForUserAsync(client, request.Audience, request.Scopes, context.RequestAborted);
        if (access.Failed(out var noAccess))
        {
            return noAccess;
        }

        if (await approvals.RefusalAsync(user.UserId, context.RequestAborted) is { } tooMany)
        {
            return tooMany;
        }

        var authReqId = Identifier.Secret();
        var approval = ApprovalOf(request, client, access.Value, authReqId);
        await approvals.StartAsync(approval, TokenIssuer.Event(AuditType.BackchannelStarted, client, RequestOrigin.Of(context)));
        return new Started(approval, authReqId);
    }

    private Approval ApprovalOf(BackchannelRequest request, Client client, ApiAccess access, string authReqId)
    {
        var now = approvals.Now;
        return new Approval
        {
            Id = Approval.NewId(),
            ClientId = client.ClientId,
            UserId = request.UserId,
            RequestHash = Identifier.Hash(authReqId),
            Audience = request.Audience,
            Scopes = access.Scopes,
            AuthorizationDetails = request.AuthorizationDetails,
            BindingMessage = request.BindingMessage,
            NeedsMultiFactor = request.AsksForMultiFactor,
            RequestedAt = now,
            Deadline = now + request.Expiry,
        };
    }

    private sealed record Started(Approval Approval, string AuthReqId)
    {
        public override string ToString() => "[secret]";
    }
}
