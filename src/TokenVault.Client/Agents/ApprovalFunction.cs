using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace TokenVault.Client.Agents;

/// <summary>A tool that runs once the user has approved the call.</summary>
internal sealed class ApprovalFunction(AIFunction inner, Func<AIFunctionArguments, ApprovalRequest> ask, TokenVaultClient? vault)
    : DelegatingAIFunction(inner)
{
    /// <summary>What users are being asked now.</summary>
    private readonly ConcurrentDictionary<Question, Lazy<Task<PendingApproval>>> _asked = new();

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var client = vault ?? arguments.Services?.GetRequiredService<TokenVaultClient>()
            ?? throw new InvalidOperationException("There is no TokenVaultClient: give it, or call the function with Services.");
        var request = ask(arguments);
        var question = Question.Of(request, arguments, JsonSerializerOptions);
        var asked = _asked.GetOrAdd(question, _ => new(() => AskAsync(client, request)));
        var approval = await ApprovalAsync(question, asked, cancellationToken);
        await CheckAsync(client, KeyValuePair.Create(question, asked), approval, cancellationToken);
        return await base.InvokeCoreAsync(arguments, cancellationToken);
    }

    private async Task<PendingApproval> ApprovalAsync(Question question, Lazy<Task<PendingApproval>> asked, CancellationToken cancellationToken)
    {
        try
        {
            return await asked.Value.WaitAsync(cancellationToken);
        }
        catch (TokenVaultException e)
        {
            _asked.TryRemove(KeyValuePair.Create(question, asked));
            throw e.Failure is TokenVaultFailure.ApprovalUnavailable
                ? new ApprovalInterrupt(ApprovalInterrupt.UnavailableCode, e.Message, approval: null, retryAfter: null, e)
                : e;
        }
    }

    /// <summary>Goes on when the caller gives up: the user has perhaps been asked.</summary>
    private Task<PendingApproval> AskAsync(TokenVaultClient client, ApprovalRequest request)
    {
        foreach (var entry in _asked.Where(entry => entry.Value is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } done } && done.Result.ExpiresAt < client.Now))
        {
            _asked.TryRemove(entry);
        }

        return client.RequestApprovalAsync(request, CancellationToken.None);
    }

    private async Task CheckAsync(
        TokenVaultClient client, KeyValuePair<Question, Lazy<Task<PendingApproval>>> entry, PendingApproval approval, CancellationToken cancellationToken)
    {
        ApprovalResult result;
        try
        {
            result = await client.CheckApprovalAsync(approval, cancellationToken);
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.ApprovalDenied or TokenVaultFailure.ApprovalExpired)
        {
            _asked.TryRemove(entry);
            var code = e switch
            {
                { Failure: TokenVaultFailure.ApprovalDenied } => ApprovalInterrupt.DeniedCode,
                { Error: "invalid_grant" } => ApprovalInterrupt.InvalidCode,
                _ => ApprovalInterrupt.ExpiredCode,
            };
            throw new ApprovalInterrupt(code, e.Message, approval, retryAfter: null, e);
        }

        if (!result.IsApproved)
        {
            var code = result.TooFast ? ApprovalInterrupt.PollingCode : ApprovalInterrupt.PendingCode;
            throw new ApprovalInterrupt(code, "The end-user authorization is pending", approval, result.CheckAgainAfter, inner: null);
        }

        // The server gives the token once, so that one call gets here: whoever comes next has to ask.
        _asked.TryRemove(entry);
    }
}
