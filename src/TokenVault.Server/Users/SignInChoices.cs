namespace TokenVault.Server.Users;

/// <summary>A way to sign in besides a password.</summary>
/// <param name="Connection">The connection's name.</param>
/// <param name="Label">What people call it.</param>
internal sealed record SignInChoice(string Connection, string Label);

/// <summary>Which connections the sign-in page offers for an authorization request. Registered by the composition root.</summary>
internal delegate ValueTask<IReadOnlyList<SignInChoice>> SignInChoices(string authorizeQuery, CancellationToken cancellationToken);
