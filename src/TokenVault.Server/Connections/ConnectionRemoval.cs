using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary>What another slice adds to the commit that removes a connection. Registered with the composition root, run in order.</summary>
internal delegate ValueTask ConnectionRemoval(Connection connection, Batch batch, CancellationToken cancellationToken);
