namespace TokenVault.Client.Agents;

/// <summary>What a wrapped tool may be told beside its connection and scopes.</summary>
public sealed class ToolOptions
{
    /// <summary>The client. Null: the one among the services of the call (<c>AIFunctionArguments.Services</c>).</summary>
    public TokenVaultClient? Vault { get; init; }

    /// <summary>Who the user is. Null: whom the <see cref="ISubjectTokenSource"/> among the services of the call says.</summary>
    public ISubjectTokenSource? User { get; init; }

    /// <summary>Which of the user's accounts: their id at the provider. Null: the one connected last.</summary>
    public string? LoginHint { get; init; }

    /// <summary>For interrupts: further parameters of the connecting.</summary>
    public IReadOnlyDictionary<string, string> AuthorizationParams { get; init; } = new Dictionary<string, string>();
}
