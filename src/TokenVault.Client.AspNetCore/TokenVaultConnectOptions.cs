namespace TokenVault.Client.AspNetCore;

/// <summary>How users are carried through connecting.</summary>
public sealed class TokenVaultConnectOptions
{
    /// <summary>The application's public origin, such as <c>https://app.example</c>, for the callback's address. Null: that of the request.</summary>
    public string? Origin { get; set; }

    /// <summary>
    /// What a user may ask for at a connection, given its name and the scopes in the address. Null: whatever is asked, as the provider's consent
    /// page shows it.
    /// </summary>
    public Func<string, IReadOnlyList<string>, bool>? AllowScopes { get; set; }
}
