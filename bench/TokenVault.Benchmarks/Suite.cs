using System.Diagnostics;
using System.Globalization;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Benchmarks;

/// <summary>
/// The server, the floor under it and a neutral peer, one after another on the same machine under the same load: the exchange of a token
/// that is fresh; in the larger store also of one that is not remembered, and of one that has to be refreshed. Each answer is looked at,
/// and each one has to have its audit row, as each refresh has.
/// </summary>
internal sealed class Suite(SuiteSize size, Results results)
{
    public const string FloorName = "floor";
    public const string PeerName = "oidc-provider";

    private static readonly RequestKind[] Kinds = [RequestKind.AccessToken, RequestKind.RefreshToken, RequestKind.Worker];
    private static readonly RequestKind[] FurtherKinds = [RequestKind.FirstUse, RequestKind.Refresh];

    public static string Store(string engine, int tokensets) => string.Create(CultureInfo.InvariantCulture, $"{engine}, {tokensets:N0} tokensets");

    public async Task RunAsync()
    {
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"Each kind of request was measured for {size.Duration.TotalSeconds:F0} s, after a warm-up of {size.WarmUp.TotalSeconds:F0} s for the first kind of each server and {size.FurtherWarmUp.TotalSeconds:F0} s for the others, because .NET compiles what runs often anew while it runs: the CPU per request falls until then."));
        await MeasureFloorAsync();
        await MeasurePeerAsync();
        foreach (var tokensets in size.Tokensets)
        {
            await MeasureVaultAsync("SQLite", database: null, tokensets);
        }

        if (PostgresServer.Problem is { } problem)
        {
            results.Failures.Add("PostgreSQL was not measured: " + problem);
            return;
        }

        await using var postgres = await PostgresServer.StartAsync();
        foreach (var tokensets in size.Tokensets)
        {
            await MeasureVaultAsync("PostgreSQL", await postgres.CreateDatabaseAsync(), tokensets);
        }
    }

    private async Task MeasureFloorAsync()
    {
        using var scratch = new Deployment(FloorName, database: null);
        var requests = Path.Combine(scratch.Directory, "floor.requests");
        var start = new ProcessStartInfo("dotnet") { ArgumentList = { typeof(Floor).Assembly.Location, "floor", scratch.Address, requests } };
        await using var server = await ServerProcess.StartAsync(start, () => AnswersAsync(scratch, requests));
        await MeasureAsync(server, FloorName, RequestKind.AccessToken, scratch, requests, size.WarmUp);
    }

    private async Task MeasurePeerAsync()
    {
        using var scratch = new Deployment(PeerName, database: null);
        var requests = Path.Combine(scratch.Directory, "peer.requests");
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Path.Combine(AppContext.BaseDirectory, "peer"),
            ArgumentList = { "peer.mjs", scratch.Address, requests, BenchStore.TokenPrefix },
        };
        await using var server = await ServerProcess.StartAsync(start, () => AnswersAsync(scratch, requests));
        await MeasureAsync(server, PeerName, RequestKind.AccessToken, scratch, requests, size.WarmUp);
    }

    private async Task MeasureVaultAsync(string engine, string? database, int tokensets)
    {
        var name = Store(engine, tokensets);
        var further = tokensets == size.Tokensets[^1];
        using var deployment = new Deployment(name, database);
        await using var provider = await BenchProvider.StartAsync();
        Console.Error.WriteLine($"{name}: filling …");
        var files = await BenchStore.FillAsync(deployment, size.Of(tokensets, further) with { TokenUrl = provider.TokenUrl });
        var answered = 0L;
        var refreshed = 0L;
        await using (var server = await ServerProcess.StartAsync(Serve(deployment), () => AnswersAsync(deployment, files[Kinds[0].Name])))
        {
            results.StartTimes.Add(server.StartTime);
            results.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: first answer {server.StartTime.TotalSeconds:F2} s after the start of the process."));
            foreach (var kind in further ? [.. Kinds, .. FurtherKinds, RequestKind.Alone] : Kinds)
            {
                var answers = await MeasureAsync(server, name, kind, deployment, files[kind.Bodies], kind == Kinds[0] ? size.WarmUp : size.FurtherWarmUp);
                answered += answers;
                refreshed += kind == RequestKind.Refresh ? answers : 0;
            }
        }

        Check(name, answered, refreshed, provider, await deployment.TallyAuditAsync());
        if (database is not null && further)
        {
            results.Sizes = await DatabaseUse.SizesAsync(database, tokensets);
        }
    }

    /// <summary>Requests that were under way when the generator stopped are in the log as well; so are the first answers.</summary>
    private void Check(string name, long answered, long refreshed, BenchProvider provider, AuditTally log)
    {
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {answered:N0} answers, {log.Exchanges:N0} audit rows of exchanges; {refreshed:N0} of the answers with a refresh, {provider.Refreshes:N0} refreshes at the provider, {log.Refreshes:N0} audit rows of refreshes."));
        const int UnderWay = 2 * Wrk.Connections;
        var kinds = Kinds.Length + FurtherKinds.Length + 1;
        if (log.Exchanges < answered || log.Exchanges - answered > (kinds * UnderWay) + 20)
        {
            results.Failures.Add($"{name}: {answered} answers, but {log.Exchanges} audit rows of exchanges");
        }

        if (log.Refreshes != provider.Refreshes || provider.Refused > 0 || log.Refreshes < refreshed || log.Refreshes - refreshed > UnderWay)
        {
            results.Failures.Add($"{name}: {refreshed} answers with a refresh, {provider.Refreshes} refreshes and {provider.Refused} refusals at the provider, {log.Refreshes} audit rows of refreshes");
        }
    }

    /// <returns>How many answers there were, while warming up as well.</returns>
    private async Task<long> MeasureAsync(ServerProcess server, string name, RequestKind kind, Deployment at, string requests, TimeSpan warmUp)
    {
        Console.Error.WriteLine($"{name}: {kind.Name} …");
        var warm = await Wrk.RunAsync(at.Address, requests, kind, warmUp);
        var (cpu, machine, database) = (server.Cpu, MachineCpu.Total(), at.Database is null ? null : await DatabaseUse.ReadAsync(at.Database));
        var load = await Wrk.RunAsync(at.Address, requests, kind, size.Duration, warm.Answered + kind.Connections);
        var used = database is null ? null : (await DatabaseUse.ReadAsync(at.Database!)).Since(database, load.Answered);
        var own = (server.Cpu - cpu) / load.Answered;
        var rest = ((MachineCpu.Total() - machine) / load.Answered) - own - (used?.Cpu ?? TimeSpan.Zero);
        results.Rows.Add(new Measured(name, kind.Name, load, own, rest, used, server.ResidentBytes));
        if (load.Wrong + warm.Wrong > 0)
        {
            results.Failures.Add($"{name}, {kind.Name}: {load.Wrong + warm.Wrong} wrong answers");
        }

        return load.Answered + warm.Answered;
    }

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
