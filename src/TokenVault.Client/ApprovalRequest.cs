namespace TokenVault.Client;

/// <summary>What a user is asked to approve, elsewhere than in the browser of the moment (CIBA).</summary>
public sealed class ApprovalRequest
{
    /// <summary>Asks this user.</summary>
    /// <param name="userId">The user's id at the server.</param>
    /// <param name="bindingMessage">What they read: 1 to 64 letters, digits, spaces and <c>+-_.,:#</c>.</param>
    public ApprovalRequest(string userId, string bindingMessage)
    {
        ArgumentException.ThrowIfNullOrEmpty(userId);
        ArgumentException.ThrowIfNullOrEmpty(bindingMessage);
        UserId = userId;
        BindingMessage = bindingMessage;
    }

    /// <summary>Who is asked.</summary>
    public string UserId { get; }

    /// <summary>What they read.</summary>
    public string BindingMessage { get; }

    /// <summary>The scopes of the token that an approval gives. <c>openid</c> is always among them.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>The API that the token is for. Null: none.</summary>
    public string? Audience { get; init; }

    /// <summary>For how long they may be asked. Null: as the server has it (300 seconds).</summary>
    public TimeSpan? Expiry { get; init; }

    /// <summary>Rich authorization details (RFC 9396), as JSON text. Null: none.</summary>
    public string? AuthorizationDetails { get; init; }
}
