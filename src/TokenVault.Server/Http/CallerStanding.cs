using TokenVault.Server.Keys;

namespace TokenVault.Server.Http;

/// <summary>
/// What is left of the scopes of a caller's token: a client that was deleted, or whose grant was withdrawn, is not to go on with the
/// tokens it holds (T-ST-11). Null when the token stands for nobody any more. The slice that knows clients answers.
/// </summary>
internal delegate ValueTask<IReadOnlyList<string>?> CallerStanding(AccessToken caller, string audience, CancellationToken cancellationToken);
