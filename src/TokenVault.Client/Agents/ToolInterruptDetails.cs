namespace TokenVault.Client.Agents;

internal sealed record ToolInterruptDetails(
    IReadOnlyList<string> RequiredScopes, IReadOnlyDictionary<string, string> AuthorizationParams, TokenVaultFailure? Failure);
