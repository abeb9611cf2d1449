using System.Globalization;
using BenchmarkDotNet.Running;
using TokenVault.Benchmarks.Scaling;

namespace TokenVault.Benchmarks;

/// <summary>How fast the server is; <c>make bench</c> runs the suite.</summary>
internal static class Program
{
    private const string Usage = "usage: TokenVault.Benchmarks [full | quick] [DIRECTORY] | scale [DIRECTORY] | micro [FILTER] | timing";
    private const int TimingRequests = 5_000;

    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["floor", var url, var requests]:
                await Floor.RunAsync(url, requests);
                return 0;
            case ["micro", .. var filter]:
                BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(["--filter", filter.FirstOrDefault() ?? "*"]);
                return 0;
            case ["timing"]:
                await using (var timed = await ExchangeScene.StartAsync())
                {
                    return await SecretTiming.RunAsync(timed, TimingRequests) ? 0 : 1;
                }

            case ["scale", .. { Length: <= 1 } directory]:
                await ScaleAsync(directory.SingleOrDefault());
                return 0;
            case ["full" or "quick", .. { Length: <= 1 } directory]:
                return await RunSuiteAsync(args[0], directory.SingleOrDefault());
            default:
                await Console.Error.WriteLineAsync(Usage);
                return 2;
        }
    }

    /// <param name="directory">Where the table, the chart and the costs for the simulation are kept as well.</param>
    private static async Task<int> RunSuiteAsync(string name, string? directory)
    {
        var size = name == "full" ? SuiteSize.Full : SuiteSize.Quick;
        var results = new Results();
        await new Suite(size, results).RunAsync();
        await Stampede.RunAsync(results);
        var table = Report.Table(results, size);
        Console.WriteLine(table);
        results.Failures.ForEach(failure => Console.Error.WriteLine("FAILED " + failure));
        if (directory is not null && results.Failures.Count == 0)
        {
            var day = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            await KeepAsync(Path.Combine(directory, "performance.md"), $"Measured on {day}.\n\n{table}");
            await File.WriteAllTextAsync(Path.Combine(directory, "performance.svg"), Report.Chart(results));
            Costs.From(results, size, $"eng/bench {name} {directory}", day).Write(Path.Combine(directory, Costs.FileName));
        }

        return results.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>At the end of the page, in the place of those that were there.</summary>
    private static async Task KeepAsync(string page, string results)
    {
        const string heading = "## Results\n\n";
        var text = File.Exists(page) ? await File.ReadAllTextAsync(page) : $"# Performance\n\n![Exchanges per second](performance.svg)\n\n{heading}";
        var end = text.IndexOf(heading, StringComparison.Ordinal);
        await File.WriteAllTextAsync(page, $"{(end < 0 ? text + "\n" : text[..end])}{heading}{results}");
    }

    /// <param name="directory">Where the costs are, and the table is kept.</param>
    private static async Task ScaleAsync(string? directory)
    {
        var results = Scale.Run(Costs.Read(Path.Combine(directory ?? "docs", Costs.FileName)));
        Console.WriteLine(results);
        if (directory is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "scaling-results.md"), $"# What servers carry, simulated\n\n{results}");
        }
    }
}
