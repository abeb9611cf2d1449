using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>What another slice adds to the commit that removes a client. Registered with the composition root, run in order.</summary>
internal delegate ValueTask ClientRemoval(Client client, Batch batch, CancellationToken cancellationToken);
