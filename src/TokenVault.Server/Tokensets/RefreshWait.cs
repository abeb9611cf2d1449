using System.Security.Cryptography;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>Waits for what another node is doing to a tokenset, at short, uneven intervals.</summary>
internal sealed class RefreshWait(IStorage storage, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <param name="since">When the caller began to wait, for whatever: together it does so for so long only.</param>
    /// <returns>False when nothing has moved in that time.</returns>
    public async Task<bool> UntilMovedAsync(Tokenset seen, long since)
    {
        var pause = 25;
        while (time.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(pause / 2, pause + 1)), time);
            pause = Math.Min(pause * 2, 200);
            var now = await storage.FindAsync<Tokenset>(seen.Id, CancellationToken.None);
            if (now is null || now.Generation != seen.Generation || now.GrantId != seen.GrantId || now.State != seen.State || now.Attempt != seen.Attempt)
            {
                return true;
            }
        }

        return false;
    }
}
