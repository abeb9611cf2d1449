using System.Diagnostics;
using System.Globalization;
using TokenVault.Server;
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

    /// <summary>What a server does behind its answers (the log's chain, notes of use, memory given back) it has done by then: it is the server's, and not in the floor's way.</summary>
    private static readonly TimeSpan Behind = TimeSpan.FromSeconds(3);

    /// <summary>What every other measurement takes turns with; null until it has been measured by itself.</summary>
    private FloorServer? _floor;

    public static string Store(string engine, int tokensets) => string.Create(CultureInfo.InvariantCulture, $"{engine}, {tokensets:N0} tokensets");

    public async Task RunAsync()
    {
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"Each kind of request was measured for {size.Duration.TotalSeconds:F0} s, after a warm-up of {size.WarmUpOf(RequestKind.Worker).TotalSeconds:F0} s; access and refresh tokens after at least {WarmUp.Least(size.WarmUp).TotalSeconds:F0} s, until the CPU per request had stopped falling (three times that at the most), because .NET compiles what runs often anew while it runs."));
        await using var floor = await FloorServer.StartAsync(AnswersAsync);
        await MeasureAsync(floor.Process, FloorName, RequestKind.AccessToken, floor.At, floor.Requests, size.WarmUp);
        _floor = floor;
        await MeasurePeerAsync();
        if (PostgresServer.Problem is { } problem)
        {
            results.Failures.Add("PostgreSQL was not measured: " + problem);
        }

        await using var postgres = PostgresServer.Problem is null ? await PostgresServer.StartAsync() : null;
        foreach (var tokensets in size.Tokensets)
        {
            await MeasureVaultsAsync(tokensets, postgres);
        }
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
        await MeasureAsync(server, PeerName, RequestKind.AccessToken, scratch, requests, size.WarmUp);
    }

    /// <summary>The same store on both engines: filled once, and copied as an operator would.</summary>
    private async Task MeasureVaultsAsync(int tokensets, PostgresServer? postgres)
    {
        var further = tokensets == size.Tokensets[^1];
        var providerPort = LoopbackHttp.FreePort();
        using var deployment = new Deployment(database: null);
        Tell($"{tokensets} tokensets: filling …");
        var files = await BenchStore.FillAsync(deployment, size.Of(tokensets, further) with { TokenUrl = BenchProvider.TokenUrl(providerPort) });
        var database = postgres is null ? null : await postgres.CreateDatabaseAsync();
        if (database is not null)
        {
            Tell($"{tokensets} tokensets: copying …");
            await deployment.CopyToAsync(database);
            await DatabaseUse.SettleAsync(database);
        }

        await MeasureVaultAsync(Store("SQLite", tokensets), deployment, files, providerPort, further);
        if (database is not null)
        {
            deployment.Database = database;
            await MeasureVaultAsync(Store("PostgreSQL", tokensets), deployment, files, providerPort, further);
            results.Sizes = further ? await DatabaseUse.SizesAsync(database, tokensets) : null;
            await postgres!.DropDatabaseAsync(database);
        }
    }

    private async Task MeasureVaultAsync(string name, Deployment deployment, RequestFiles files, int providerPort, bool further)
    {
        await using var provider = await BenchProvider.StartAsync(providerPort);
        var (answered, refreshed, underWay) = (0L, 0L, 0L);
        await using (var server = await ServerProcess.StartAsync(Serve(deployment), () => AnswersAsync(deployment, files[Forms[0].Name])))
        {
            results.StartTimes.Add(name, server.StartTime);
            results.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: first answer {server.StartTime.TotalSeconds:F2} s after the start of the process."));
            foreach (var kind in further ? [.. Forms, .. FurtherKinds, RequestKind.Alone] : Forms)
            {
                var (answers, stops) = await MeasureAsync(server, name, kind, deployment, files[kind.Bodies], size.WarmUpOf(kind));
                answered += answers;
                refreshed += kind == RequestKind.Refresh ? answers : 0;
                underWay += stops * kind.Connections;
            }
        }

        Check(name, answered, refreshed, underWay, provider, await deployment.TallyAuditAsync());
    }

    /// <summary>Requests that were under way when the generator stopped are in the log as well; so are the first answers.</summary>
    private void Check(string name, long answered, long refreshed, long underWay, BenchProvider provider, AuditTally log)
    {
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {answered:N0} answers, {log.Exchanges:N0} audit rows of exchanges; {refreshed:N0} of the answers with a refresh, {provider.Refreshes:N0} refreshes at the provider, {log.Refreshes:N0} audit rows of refreshes."));
        if (log.Exchanges < answered || log.Exchanges - answered > underWay + 20)
        {
            results.Failures.Add($"{name}: {answered} answers, but {log.Exchanges} audit rows of exchanges");
        }

        // The generator stops twice: it warms up once, and there is one turn.
        if (log.Refreshes != provider.Refreshes || provider.Refused > 0 || log.Refreshes < refreshed || log.Refreshes - refreshed > 2 * RequestKind.Refresh.Connections)
        {
            results.Failures.Add($"{name}: {refreshed} answers with a refresh, {provider.Refreshes} refreshes and {provider.Refused} refusals at the provider, {log.Refreshes} audit rows of refreshes");
        }
    }

    /// <returns>How many answers there were, while warming up as well, and how often the generator stopped.</returns>
    private async Task<(long Answered, int Stops)> MeasureAsync(ServerProcess server, string name, RequestKind kind, Deployment at, string requests, TimeSpan warmUp)
    {
        Tell($"{name}: {kind.Name} …");
        var warm = await WarmUp.RunAsync(server, kind, (duration, used) => Wrk.WarmUpAsync(at.Address, requests, kind, duration, used), warmUp);
        await Task.Delay(Behind, TimeProvider.System);
        var measured = await InTurnsAsync(server, name, kind, at, requests, warm.Answered + kind.Connections);
        results.Rows.Add(measured with { WarmUp = warm.Took });
        Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"  {measured.Load.PerSecond:N0}/s, {measured.OfFloor:F2} of the floor, {measured.Cpu.TotalMicroseconds:F0} µs, {measured.ResidentBytes / 1e6:N0} MB ({measured.LoadedBytes / 1e6:N0} under load); warmed up for {warm.Took.TotalSeconds:F0} s"));
        if (!warm.IsSteady)
        {
            results.Notes.Add($"{name}, {kind.Name}: the CPU per request still fell when the warm-up ended.");
        }

        if (measured.Load.Wrong + warm.Wrong > 0 || measured.Floor.Wrong > 0)
        {
            results.Failures.Add($"{name}, {kind.Name}: {measured.Load.Wrong + warm.Wrong} wrong answers, {measured.Floor.Wrong} of the floor");
        }

        return (measured.Load.Answered + warm.Answered, warm.Stops + size.TurnsOf(kind));
    }

    /// <summary>
    /// The floor for a while, then the server, and so on: what else goes on at the machine, and how fast it is just now, is the same for both.
    /// </summary>
    private async Task<Measured> InTurnsAsync(ServerProcess server, string name, RequestKind kind, Deployment at, string requests, long skip)
    {
        List<Load> loads = [], floors = [];
        var (own, ofFloors, machine, used, loaded) = (TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, new DatabaseUse(TimeSpan.Zero, 0, 0), 0L);
        for (var turns = size.TurnsOf(kind); loads.Count < turns;)
        {
            if (_floor is not null)
            {
                var floor = await _floor.MeasureAsync(size.Turn);
                floors.Add(floor.Load);
                ofFloors += floor.Cpu;
            }

            var (cpu, all, database) = (server.Cpu, MachineCpu.Total(), at.Database is null ? null : await DatabaseUse.ReadAsync(at.Database));
            loads.Add(await Wrk.MeasureAsync(at.Address, requests, kind, size.Duration / turns, skip, seed: loads.Count));
            loaded = server.ResidentBytes;
            await Task.Delay(Behind, TimeProvider.System);
            used = database is null ? used : used.Plus((await DatabaseUse.ReadAsync(at.Database!)).Since(database));
            own += server.Cpu - cpu;
            machine += MachineCpu.Total() - all;
        }

        var load = Load.Of(loads);
        var ofFloor = floors.Count == 0 ? load : Load.Of(floors);
        return new Measured(name, kind.Name, load, ofFloor)
        {
            Cpu = own / load.Answered,
            FloorCpu = (floors.Count == 0 ? own : ofFloors) / ofFloor.Answered,
            RestCpu = (machine - own - used.Cpu) / load.Answered,
            Database = at.Database is null ? null : used.ForEach(load.Answered),
            LoadedBytes = loaded,
            ResidentBytes = server.ResidentBytes,
        };
    }

    /// <summary>A run takes long: what it is at, and what it saw.</summary>
    private static void Tell(string line) => Console.Error.WriteLine(line);

    private static ProcessStartInfo Serve(Deployment deployment)
    {
        var start = new ProcessStartInfo("dotnet") { ArgumentList = { typeof(TokenVaultServer).Assembly.Location, "serve" } };
        foreach (var (setting, value) in deployment.Settings.Where(setting => setting.Value is not null))
        {
            start.Environment[setting == "urls" ? "ASPNETCORE_URLS" : setting.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        start.Environment["Logging__LogLevel__Default"] = "Warning";
        return start;
    }

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
