using System.Globalization;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server;

/// <summary>
/// The work of the <c>keys</c> verbs, wherever it is done: in the verb's own process, or in the server that holds the store. What it
/// prints are names, counts and times, never a key or a value.
/// </summary>
internal sealed class KeysOperation(IStorage storage, KeyRing ring, KeyRotation rotation, KeyRewrap rewrap, IReadOnlyList<SealedNoun> nouns)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(0.5);

    private readonly SealedRows _rows = new(storage, nouns);

    /// <returns>The exit code.</returns>
    /// <exception cref="StartupException">It cannot be done; says why.</exception>
    public async Task<int> RunAsync(KeysVerb verb, TextWriter output, CancellationToken cancellationToken)
    {
        switch (verb)
        {
            case KeysVerb.List:
                await ListAsync(output, cancellationToken);
                return 0;
            case KeysVerb.Rotate:
                var key = await rotation.RotateAsync(cancellationToken);
                await output.WriteLineAsync($"Made vault key {key.Id}, generation {key.Generation}. It seals in {KeyRingSource.Announcement.TotalSeconds} seconds, when every server knows it.");
                await output.WriteLineAsync("What older keys sealed stays readable; a running server re-wraps it. 'keys rewrap' does it now, or shows how far it is.");
                return 0;
            case KeysVerb.RotateRoot:
                var moved = await rotation.RotateRootAsync(cancellationToken);
                await output.WriteLineAsync($"Put {moved.VaultKeys} vault keys under root key {moved.To}; nothing in the store needs {moved.From} any more.");
                await output.WriteLineAsync("Give every server the new file before its next start, and keep the former key with the backups that were taken until now.");
                return 0;
            case KeysVerb.Rewrap:
                return await RewrapAsync(output, cancellationToken);
            default:
                return await VerifyAsync(output, cancellationToken);
        }
    }

    private async Task ListAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var keys = await storage.ListAllAsync<VaultKey>(index: null, cancellationToken);
        var counts = await new KeyVerification(_rows, ring).CountAsync(cancellationToken);
        await output.WriteLineAsync($"Root key   {string.Join(", ", keys.Where(key => key.RetiredAt is null).Select(key => key.RootKeyId).Distinct())}");
        await output.WriteLineAsync("Vault keys");
        foreach (var key in keys.OrderByDescending(key => key.Generation))
        {
            counts.Remove(key.Id, out var count);
            await output.WriteLineAsync($"  {key.Id}  generation {key.Generation,-4}{StateOf(key),-9} made {Time(key.CreatedAt)}  {ProgressLines.Count(count),12} values");
        }

        foreach (var (id, count) in counts)
        {
            await output.WriteLineAsync($"  {id}  not in the store                                {ProgressLines.Count(count),12} values, which do not open");
        }

        await output.WriteLineAsync("Signing keys");
        foreach (var key in (await storage.ListAllAsync<SigningKey>(index: null, cancellationToken)).OrderBy(key => key.Alg, StringComparer.Ordinal).ThenBy(key => key.State))
        {
            await output.WriteLineAsync($"  {key.Id}  {key.Alg}  {key.State.ToString().ToLowerInvariant(),-9} made {Time(key.CreatedAt)}");
        }
    }

    private string StateOf(VaultKey key)
    {
        if (key.RetiredAt is not null)
        {
            return "retired";
        }

        var newestSeals = VaultKey.Name(ring.SealingId);
        return key.Id == newestSeals ? "active" : "previous";
    }

    private async Task<int> RewrapAsync(TextWriter output, CancellationToken cancellationToken)
    {
        ProgressLines? lines = null;
        var pass = 0;
        void Tell(KeyRewrapState state)
        {
            if (state.Pass != pass)
            {
                pass = state.Pass;
                output.WriteLine($"Pass {pass}: {ProgressLines.Count(state.Total)} rows, {ProgressLines.Count(state.Done)} of them done");
                lines = new ProgressLines(output, pass == 1 ? "re-wrapping" : "looking again");
            }

            lines!.Tell(state.Done, state.Total);
        }

        var waits = false;
        for (var anew = true; ; anew = false)
        {
            switch (await rewrap.RunAsync(Tell, anew, cancellationToken))
            {
                case RewrapOutcome.Done:
                    return await ConcludeAsync(output, cancellationToken);
                case RewrapOutcome.NotYet when ring.Staleness is StartupException problem:
                    throw new StartupException(problem.Message, problem);
                case RewrapOutcome.NotYet when !waits:
                    waits = true;
                    await output.WriteLineAsync($"Waiting until the newest vault key seals: {KeyRingSource.Announcement.TotalSeconds} seconds after it was made.");
                    break;
                case RewrapOutcome.Busy when await rewrap.StateAsync(cancellationToken) is { FinishedAt: null } theirs:
                    Tell(theirs);
                    break;
            }

            await Task.Delay(Soon, TimeProvider.System, cancellationToken);
        }
    }

    private async Task<int> ConcludeAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var state = (await rewrap.StateAsync(cancellationToken))!;
        await output.WriteLineAsync($"Re-wrapped {ProgressLines.Count(state.RewrappedInAll)} rows. Everything that opens is under {state.KeyId}.");
        if (state.LeftBehind == 0)
        {
            return 0;
        }

        await output.WriteLineAsync($"{ProgressLines.Count(state.LeftBehind)} rows hold values that do not open: 'keys verify' names them. The older keys are kept.");
        return 1;
    }

    private async Task<int> VerifyAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var total = await _rows.CountAsync(cancellationToken);
        var lines = new ProgressLines(output, "verifying");
        var done = 0L;
        var result = await new KeyVerification(_rows, ring).VerifyAsync(
            (row, problems) =>
            {
                foreach (var problem in problems)
                {
                    output.WriteLine($"broken: {row.Kind} {row.Id}: {problem}");
                }

                lines.Tell(++done, total);
            },
            cancellationToken);
        await output.WriteLineAsync($"Opened {ProgressLines.Count(result.Values)} values in {ProgressLines.Count(result.Rows)} rows; {ProgressLines.Count(result.Broken)} do not open.");
        return result.Broken == 0 ? 0 : 1;
    }

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
