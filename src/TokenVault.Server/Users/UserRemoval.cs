using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>
/// What another slice adds to the commit that removes a user, beyond the rows that carry the index <c>user</c>.
/// Registered with the composition root, run in order.
/// </summary>
internal delegate ValueTask UserRemoval(User user, Batch batch, CancellationToken cancellationToken);
