using System.Diagnostics;
using System.Globalization;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Benchmarks;

/// <summary>
/// The server and a neutral peer, in turns with the floor under them, on the same machine under the same load: the exchange of a token
/// that is fresh; in the larger store also of one that is not remembered, and of one that has to be refreshed. Each answer is looked at,
/// and each one has to have its audit row, as each refresh has.
/// </summary>
internal sealed class Suite(SuiteSize size, Results results)
{
    public const string FloorName = "floor";
    public const string PeerName = "oidc-provider";

    /// <summary>The forms of exchange, each of a token that is fresh.</summary>
    public static readonly RequestKind[] Forms = [RequestKind.AccessToken, RequestKind.RefreshToken, RequestKind.Worker];

    private static readonly RequestKind[] FurtherKinds = [RequestKind.FirstUse, RequestKind.FirstAccess, RequestKind.Refresh];

    /// <summary>Of PostgreSQL: the indexes of a million tokensets fit into it twice, and it is less than the quarter of the memory that the manual advises.</summary>
    private const string SharedBuffers = "4GB";

    /// <summary>What every other measurement takes turns with; null until it has been measured by itself.</summary>
    private FloorServer? _floor;

    public static string Store(string engine, int tokensets) => string.Create(CultureInfo.InvariantCulture, $"{engine}, {tokensets:N0} tokensets");

    public async Task RunAsync()
    {
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"Requests that come again and again were measured in {size.Turns} turns of {size.Turn.TotalSeconds:F0} s each, those that are good for one use in one of {size.Duration.TotalSeconds:F0} s, after a warm-up of {size.WarmUpOf(RequestKind.Worker).TotalSeconds:F0} s; access and refresh tokens after at least {WarmUp.Least(size.WarmUp).TotalSeconds:F0} s, until the CPU per request had stopped falling (three times that at the most), because .NET compiles what runs often anew while it runs."));
        await using var floor = await FloorServer.StartAsync(AnswersAsync);
        await MeasureAsync(RequestKind.AccessToken, [new Subject(FloorName, floor.Process, floor.At, _ => floor.Requests)]);
        _floor = floor;
        await MeasurePeerAsync();
        await MeasureVaultsAsync();
    }

    private async Task MeasurePeerAsync()
    {
        using var scratch = new Deployment(database: null);
        var requests = Path.Combine(scratch.Directory, "peer.requests");
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Path.Combine(AppContext.BaseDirectory, "peer"),
            ArgumentList = { "peer.mjs", scratch.Address, requests, BenchStore.TokenPrefix },
            Environment = { ["NODE_ENV"] = "production" },
        };
        await using var server = await ServerProcess.StartAsync(start, () => AnswersAsync(scratch, requests));
        await MeasureAsync(RequestKind.AccessToken, [new Subject(PeerName, server, scratch, _ => requests)]);
    }

    /// <summary>Stores of every size, first on the one engine, then on the other.</summary>
    private async Task MeasureVaultsAsync()
    {
        if (PostgresServer.Problem is { } problem)
        {
            results.Failures.Add("PostgreSQL was not measured: " + problem);
        }

        await using var postgres = PostgresServer.Problem is null ? await PostgresServer.StartAsync(SharedBuffers) : null;
        var stores = new List<FilledStore>();
        try
        {
            foreach (var tokensets in size.Tokensets)
            {
                Tell($"{tokensets} tokensets: filling and copying …");
                stores.Add(await FilledStore.CreateAsync(size.Of(tokensets, further: tokensets == size.Tokensets[^1]), postgres));
            }

            await MeasureVaultsAsync("SQLite", stores);
            if (postgres is not null)
            {
                stores.ForEach(store => store.Deployment.Database = store.Database);
                results.Notes.Add($"PostgreSQL: shared_buffers = {SharedBuffers}.");
                await MeasureVaultsAsync("PostgreSQL", stores);
                results.Sizes = await DatabaseUse.SizesAsync(stores[^1].Database!, stores[^1].Tokensets);
            }
        }
        finally
        {
            stores.ForEach(store => store.Dispose());
        }
    }

    /// <summary>All stores of an engine at once, in turns; what only the largest is measured with comes last.</summary>
    private async Task MeasureVaultsAsync(string engine, List<FilledStore> stores)
    {
        var vaults = new List<Vault>();
        try
        {
            foreach (var store in stores)
            {
                var vault = await Vault.StartAsync(Store(engine, store.Tokensets), store, () => AnswersAsync(store.Deployment, store.Files[Forms[0].Name]));
                vaults.Add(vault);
                results.StartTimes.Add(vault.Name, vault.Subject.Server.StartTime);
                results.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{vault.Name}: first answer {vault.Subject.Server.StartTime.TotalSeconds:F2} s after the start of the process."));
            }

            foreach (var kind in (RequestKind[])[.. Forms, .. FurtherKinds, RequestKind.Alone])
            {
                await MeasureAsync(kind, [.. (Forms.Contains(kind) ? vaults : vaults[^1..]).Select(vault => vault.Subject)]);
            }
        }
        finally
        {
            foreach (var vault in vaults)
            {
                await vault.DisposeAsync();
            }
        }

        foreach (var vault in vaults)
        {
            await vault.CheckAsync(results);
        }

        results.Notes.Add($"{engine}, CPU per request of the larger store ÷ that of the smaller: {string.Join("; ", Forms.Select(form => Growth(engine, form)))}.");
    }

    private string Growth(string engine, RequestKind form)
    {
        var (ratio, least, median, most) = Goals.Growth(results, engine, size, form.Name);
        return FormattableString.Invariant($"{form.Name} {ratio:F2} (in each round {least:F2} to {most:F2}, median {median:F2})");
    }

    private async Task MeasureAsync(RequestKind kind, IReadOnlyList<Subject> subjects)
    {
        var turns = new Turns(kind, _floor, size);
        foreach (var subject in subjects)
        {
            Tell($"{subject.Name}: {kind.Name} …");
            if (!await turns.WarmUpAsync(subject))
            {
                results.Notes.Add($"{subject.Name}, {kind.Name}: the CPU per request still fell when the warm-up ended.");
            }
        }

        foreach (var measured in await turns.RunAsync())
        {
            results.Rows.Add(measured);
            Tell(string.Create(
                CultureInfo.InvariantCulture,
                $"  {measured.Server}: {measured.Load.PerSecond:N0}/s, {measured.OfFloor:F2} of the floor, {measured.Cpu.TotalMicroseconds:F0} µs, {measured.ResidentBytes / 1e6:N0} MB ({measured.LoadedBytes / 1e6:N0} under load); warmed up for {measured.WarmUp.TotalSeconds:F0} s"));
            if (measured.Wrong > 0)
            {
                results.Failures.Add($"{measured.Server}, {kind.Name}: {measured.Wrong} wrong answers, the floor's included");
            }
        }
    }

    /// <summary>A run takes long: what it is at, and what it saw.</summary>
    private static void Tell(string line) => Console.Error.WriteLine(line);

    private static async Task<bool> AnswersAsync(Deployment deployment, string requests)
    {
        if (!File.Exists(requests) || File.ReadLines(requests).FirstOrDefault() is not { } body)
        {
            return false;
        }

        using var http = LoopbackHttp.Client(trusted: null);
        using var content = new StringContent(body, encoding: null, "application/x-www-form-urlencoded");
        using var answer = await http.PostAsync(new Uri(deployment.Address + "oauth/token"), content);
        return answer.IsSuccessStatusCode && (await answer.Content.ReadAsStringAsync()).Contains(BenchStore.TokenPrefix, StringComparison.Ordinal);
    }
}
