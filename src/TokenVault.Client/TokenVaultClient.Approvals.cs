using System.Globalization;
using System.Text.Json;
using TokenVault.Client.Wire;

namespace TokenVault.Client;

/// <content>Approvals (CIBA), where the server offers them.</content>
public sealed partial class TokenVaultClient
{
    /// <summary>Asks a user to approve something, elsewhere than in the browser of the moment.</summary>
    /// <param name="request">Who is asked what.</param>
    /// <param name="cancellationToken">Ends the request; the user may have been asked all the same.</param>
    /// <exception cref="TokenVaultException">
    /// <see cref="TokenVaultFailure.NotSupported"/>: the server offers no approvals; <see cref="TokenVaultFailure.ApprovalUnavailable"/>: the
    /// user has nowhere to be asked.
    /// </exception>
    public async Task<PendingApproval> RequestApprovalAsync(ApprovalRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var form = ApprovalForm(request);
        var endpoint = await _discovery.ApprovalEndpointAsync(cancellationToken);
        var asked = _time.GetUtcNow();
        var answer = await _tokens.SendAsync(endpoint, () => new(form), cancellationToken);
        if (!answer.IsSuccess)
        {
            var failure = Failures.Of(answer, _time.GetUtcNow(), new FailureContext(Signed: _tokens.SignsItself));
            throw Approval(failure, denied: TokenVaultFailure.PolicyDenied, unavailable: failure.Error == "invalid_request");
        }

        return answer.Read(WireJson.Default.ApprovalAnswer).Read(asked)
            ?? throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has no auth_req_id.");
    }

    /// <summary>Looks once whether the user has answered.</summary>
    /// <param name="approval">What <see cref="RequestApprovalAsync"/> gave.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Approved with a token, once; or pending, with the time to wait.</returns>
    /// <exception cref="TokenVaultException">
    /// <see cref="TokenVaultFailure.ApprovalDenied"/>, <see cref="TokenVaultFailure.ApprovalExpired"/>, or what an exchange may fail with.
    /// </exception>
    public async Task<ApprovalResult> CheckApprovalAsync(PendingApproval approval, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(approval);
        var form = new Dictionary<string, string> { ["grant_type"] = Names.Ciba, ["auth_req_id"] = approval.Id };
        var endpoint = await _discovery.TokenEndpointAsync(cancellationToken);
        var answer = await _tokens.SendAsync(endpoint, () => new(form), cancellationToken);
        if (answer.IsSuccess)
        {
            var token = answer.Read(WireJson.Default.TokenAnswer);
            return string.IsNullOrEmpty(token.AccessToken)
                ? throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has no access token.")
                : new ApprovalResult(token.AccessToken, token.IdToken, After(token.ExpiresIn));
        }

        switch (answer.TryRead(WireJson.Default.ErrorAnswer)?.Error)
        {
            case "authorization_pending":
                return new ApprovalResult(Longer(answer.RetryAfter, approval.Interval), tooFast: false);

            // OpenID CIBA §11: five seconds more, or what the server says.
            case "slow_down":
                return new ApprovalResult(Longer(answer.RetryAfter, approval.Interval + ApprovalAnswer.DefaultInterval), tooFast: true);

            default:
                throw Approval(
                    Failures.Of(answer, _time.GetUtcNow(), new FailureContext(Signed: _tokens.SignsItself)), denied: TokenVaultFailure.ApprovalDenied, unavailable: false);
        }
    }

    /// <summary>Waits for the user's answer, looking as often as the server allows.</summary>
    /// <param name="approval">What <see cref="RequestApprovalAsync"/> gave.</param>
    /// <param name="cancellationToken">Ends the wait; the user may answer all the same.</param>
    /// <returns>Approved.</returns>
    /// <exception cref="TokenVaultException">As <see cref="CheckApprovalAsync"/>.</exception>
    public async Task<ApprovalResult> WaitForApprovalAsync(PendingApproval approval, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(approval);
        while (true)
        {
            await Task.Delay(approval.Interval, _time, cancellationToken);
            var result = await CheckApprovalAsync(approval, cancellationToken);
            if (result.IsApproved)
            {
                return result;
            }

            if (_time.GetUtcNow() >= approval.ExpiresAt)
            {
                throw new TokenVaultException(TokenVaultFailure.ApprovalExpired, "The user did not answer in time.");
            }

            if (result.TooFast)
            {
                approval = approval with { Interval = result.CheckAgainAfter };
            }
        }
    }

    private Dictionary<string, string> ApprovalForm(ApprovalRequest request)
    {
        var form = new Dictionary<string, string>
        {
            ["scope"] = string.Join(' ', request.Scopes.Prepend("openid").Distinct(StringComparer.Ordinal)),
            ["binding_message"] = request.BindingMessage,
            ["login_hint"] = JsonSerializer.Serialize(new LoginHint("iss_sub", _options.Issuer, request.UserId), WireJson.Default.LoginHint),
        };
        if (request.Audience is { } audience)
        {
            form["audience"] = audience;
        }

        if (request.Expiry is { } expiry)
        {
            form["requested_expiry"] = ((long)expiry.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        if (request.AuthorizationDetails is { } details)
        {
            form["authorization_details"] = details;
        }

        return form;
    }

    /// <summary>The same codes mean something else here than at an exchange.</summary>
    private static TokenVaultException Approval(TokenVaultException e, TokenVaultFailure denied, bool unavailable)
    {
        var failure = e.Error switch
        {
            "access_denied" => denied,
            "expired_token" or "invalid_grant" when e.Failure is not TokenVaultFailure.ClockSkew => TokenVaultFailure.ApprovalExpired,
            _ => unavailable && e.Failure is not TokenVaultFailure.ClockSkew ? TokenVaultFailure.ApprovalUnavailable : e.Failure,
        };
        return new TokenVaultException(failure, e.Message, e) { Status = e.Status, Error = e.Error, RetryAfter = e.RetryAfter, ClockSkew = e.ClockSkew };
    }

    private static TimeSpan Longer(TimeSpan? asked, TimeSpan interval) => asked is { } given && given > interval ? given : interval;
}
