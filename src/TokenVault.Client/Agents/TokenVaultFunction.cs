using System.Net;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace TokenVault.Client.Agents;

/// <summary>A tool that runs with a provider's token of the current user.</summary>
internal sealed class TokenVaultFunction(AIFunction inner, TokenRequest wanted, ToolOptions options) : DelegatingAIFunction(inner)
{
    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var vault = options.Vault ?? Needed<TokenVaultClient>(arguments);
        var user = options.User ?? Needed<ISubjectTokenSource>(arguments);
        var subject = await user.GetAsync(cancellationToken)
            ?? throw new TokenVaultException(TokenVaultFailure.SubjectRejected, "Nobody is signed in.") { Connection = wanted.Connection, Scopes = wanted.Scopes };
        var token = await TokenAsync(vault, subject, cancellationToken);
        try
        {
            using var inside = ToolToken.Enter(token);
            return await base.InvokeCoreAsync(arguments, cancellationToken);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            // The tool is not run again by itself: what it did before the provider refused is not known.
            vault.Forget(subject, wanted, token);
            var message = e is ProviderRefusedException ? e.Message : $"Authorization required to access the Token Vault: {wanted.Connection}";
            throw Interrupt(message, wanted.Scopes, failure: null, e);
        }
        catch (TokenVaultException e) when (e.UserCanConnect && e.Connection == wanted.Connection)
        {
            // From an HttpClient that the tool uses.
            throw Interrupt(Message(e), Required(e), e.Failure, e);
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.ApprovalRequired)
        {
            throw Waiting(e);
        }
    }

    private async Task<ProviderToken> TokenAsync(TokenVaultClient vault, SubjectToken subject, CancellationToken cancellationToken)
    {
        try
        {
            return await vault.GetTokenAsync(subject, wanted, cancellationToken);
        }
        catch (TokenVaultException e) when (e.UserCanConnect)
        {
            throw Interrupt(Message(e), Required(e), e.Failure, e);
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.ApprovalRequired)
        {
            throw Waiting(e);
        }
    }

    private static ApprovalInterrupt Waiting(TokenVaultException e) =>
        new(ApprovalInterrupt.PendingCode, "The end-user authorization is pending", e.Approval, e.RetryAfter ?? e.Approval?.Interval, e);

    private static bool IsRefusal(Exception e) => e is ProviderRefusedException or HttpRequestException { StatusCode: HttpStatusCode.Unauthorized };

    private string Message(TokenVaultException e) => e.MissingScopes.Count == 0
        ? $"Authorization required to access the Token Vault: {wanted.Connection}"
        : $"Authorization required to access the Token Vault: {wanted.Connection}. Missing scopes: {string.Join(", ", e.MissingScopes)}";

    private string[] Required(TokenVaultException e) => [.. e.GrantedScopes.Union(wanted.Scopes, StringComparer.Ordinal).Union(e.MissingScopes, StringComparer.Ordinal)];

    private TokenVaultInterrupt Interrupt(string message, IReadOnlyList<string> required, TokenVaultFailure? failure, Exception inner) =>
        new(wanted, message, new ToolInterruptDetails(required, options.AuthorizationParams, failure), inner);

    private static T Needed<T>(AIFunctionArguments arguments)
        where T : notnull =>
        arguments.Services is { } services
            ? services.GetRequiredService<T>()
            : throw new InvalidOperationException($"There is no {typeof(T).Name}: give it by ToolOptions, or call the function with Services.");
}
