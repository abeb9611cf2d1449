using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>
/// What another slice adds to the commit that makes one user an identity of another: what is the former's becomes the latter's.
/// Registered with the composition root, run in order.
/// </summary>
/// <returns>False when it cannot be done in this moment.</returns>
internal delegate ValueTask<bool> UserMove(User from, User to, Batch batch, CancellationToken cancellationToken);
