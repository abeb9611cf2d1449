using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary>What another slice adds to the commit that removes a connection. Registered with the composition root, run in order.</summary>
internal delegate ValueTask ConnectionRemoval(Connection connection, Batch batch, CancellationToken cancellationToken);

/// <summary>Whether another slice keeps tokens of users that are sent to where the connection points. Registered by the composition root, asked in order.</summary>
internal delegate ValueTask<bool> ConnectionHoldings(Connection connection, CancellationToken cancellationToken);

/// <summary>What depends on connections in the slices above.</summary>
internal sealed class ConnectionDependents(IEnumerable<ConnectionRemoval> removals, IEnumerable<ConnectionHoldings> holdings)
{
    /// <summary>In the order in which they were registered: what is about to bring tokens before the tokens, so that none slips through between the looks.</summary>
    public async ValueTask<bool> HoldTokensAsync(Connection connection, CancellationToken cancellationToken)
    {
        foreach (var hold in holdings)
        {
            if (await hold(connection, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    public async ValueTask RemoveAsync(Connection connection, Batch batch, CancellationToken cancellationToken)
    {
        foreach (var removal in removals)
        {
            await removal(connection, batch, cancellationToken);
        }
    }
}
