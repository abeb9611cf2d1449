using System.Diagnostics;
using System.Globalization;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Benchmarks;

/// <summary>
/// The server, the floor under it and a neutral peer, one after another on the same machine under the same load: the exchange of a token
/// that is fresh. Each answer is looked at, and each one has to have its audit row.
/// </summary>
internal sealed class Suite(SuiteSize size, Results results)
{
    public const string FloorName = "floor";
    public const string PeerName = "oidc-provider";

    private static readonly string[] Kinds = ["access token", "refresh token", "worker JWT"];

    public async Task RunAsync()
    {
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
        await MeasureAsync(server, FloorName, "access token", scratch.Address, requests);
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
        await MeasureAsync(server, PeerName, "access token", scratch.Address, requests);
    }

    private async Task MeasureVaultAsync(string engine, string? database, int tokensets)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{engine}, {tokensets:N0} tokensets");
        using var deployment = new Deployment(name, database);
        Console.Error.WriteLine($"{name}: filling …");
        var files = await BenchStore.FillAsync(deployment, tokensets, size.WorkerRequests);
        var before = await deployment.CountAuditAsync();
        var answered = 0L;
        await using (var server = await ServerProcess.StartAsync(Serve(deployment), () => AnswersAsync(deployment, files[Kinds[0]])))
        {
            results.StartTimes.Add(server.StartTime);
            results.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: first answer {server.StartTime.TotalSeconds:F2} s after the start of the process."));
            foreach (var kind in Kinds)
            {
                answered += await MeasureAsync(server, name, kind, deployment.Address, files[kind]);
            }
        }

        // Requests that were under way when the generator stopped are in the log as well; so are the first answers.
        var rows = await deployment.CountAuditAsync() - before;
        results.Notes.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {answered:N0} answers, {rows:N0} audit rows."));
        if (rows < answered || rows - answered > (2 * Kinds.Length * Wrk.Connections) + 20)
        {
            results.Failures.Add($"{name}: {answered} answers, but {rows} audit rows");
        }
    }

    /// <returns>How many answers there were, while warming up as well.</returns>
    private async Task<long> MeasureAsync(ServerProcess server, string name, string kind, string address, string requests)
    {
        Console.Error.WriteLine($"{name}: {kind} …");
        var once = kind == "worker JWT";
        var warm = await Wrk.RunAsync(address, requests, size.WarmUp, once);
        var (cpu, database) = (server.Cpu, PostgresCpu.Total());
        var load = await Wrk.RunAsync(address, requests, size.Duration, once, warm.Answered + Wrk.Connections);
        var measured = new Measured(
            name, kind, load, (server.Cpu - cpu) / load.Answered, (PostgresCpu.Total() - database) / load.Answered, server.ResidentBytes);
        results.Rows.Add(measured);
        if (load.Wrong + warm.Wrong > 0)
        {
            results.Failures.Add($"{name}, {kind}: {load.Wrong + warm.Wrong} wrong answers");
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

/// <summary>How much is done.</summary>
/// <param name="Tokensets">Of each size there is one store of each engine.</param>
/// <param name="WorkerRequests">Worker requests are good for one use: as many as a fast server takes in the time.</param>
internal sealed record SuiteSize(IReadOnlyList<int> Tokensets, int WorkerRequests, TimeSpan WarmUp, TimeSpan Duration)
{
    public static SuiteSize Full { get; } = new([1_000, 1_000_000], 250_000, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));

    public static SuiteSize Quick { get; } = new([1_000, 10_000], 60_000, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3));
}
