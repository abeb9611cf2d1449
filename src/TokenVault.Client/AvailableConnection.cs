namespace TokenVault.Client;

/// <summary>A connection at which the client's users can connect accounts.</summary>
/// <param name="Name">What exchanges and connecting call it.</param>
/// <param name="Strategy">The kind of provider, such as <c>google-oauth2</c>.</param>
/// <param name="Scopes">What it asks the provider for unless told otherwise.</param>
public sealed record AvailableConnection(string Name, string Strategy, IReadOnlyList<string> Scopes);
