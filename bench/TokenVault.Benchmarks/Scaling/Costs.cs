using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Benchmarks.Scaling;

/// <summary>One measured number.</summary>
/// <param name="Of">What was measured, as the suite's table has it.</param>
internal sealed record Figure(double Value, string Of);

/// <summary>What exchanges and refreshes cost on one machine; the suite writes it, the simulation reads it.</summary>
internal sealed record Costs
{
    public const string FileName = "scaling-costs.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>Prints every figure below.</summary>
    public required string Command { get; init; }

    public required string MeasuredOn { get; init; }

    /// <summary>Of the machine that server, database and load generator shared.</summary>
    public required int Processors { get; init; }

    /// <summary>Microseconds of CPU for one request, commits and bytes of log for one request, requests per second, milliseconds, bytes.</summary>
    public required IReadOnlyDictionary<string, Figure> Figures { get; init; }

    [JsonIgnore]
    public double this[string name] => Figures.TryGetValue(name, out var figure) ? figure.Value : throw new InvalidDataException($"{FileName} has no {name}.");

    public static Costs From(Results results, SuiteSize size, string command, string day)
    {
        var store = Suite.Store("PostgreSQL", size.Tokensets[^1]);
        var figures = new Dictionary<string, Figure>(StringComparer.Ordinal);
        foreach (var (name, kind) in (IEnumerable<(string, RequestKind)>)
            [
                ("exchange", RequestKind.AccessToken), ("alone", RequestKind.Alone), ("remembered", RequestKind.RefreshToken),
                ("first_use", RequestKind.FirstUse), ("refresh", RequestKind.Refresh),
            ])
        {
            var row = results[store, kind.Name];
            void Add(string what, double value, string column) => figures[$"{name}_{what}"] = new Figure(Math.Round(value, 3), $"{store}, {kind.Name}: {column}");
            Add("per_second", row.Load.PerSecond, "requests/s");
            Add("p50_ms", row.Load.P50, "p50");
            Add("p99_ms", row.Load.P99, "p99");
            Add("server_cpu_us", row.Cpu.TotalMicroseconds, "server CPU");
            Add("database_cpu_us", row.Database!.Cpu.TotalMicroseconds, "database CPU");
            Add("rest_cpu_us", row.RestCpu.TotalMicroseconds, "CPU of the load generator, the provider and idle servers");
            Add("commits", row.Database.Commits, "commits");
            Add("wal_bytes", row.Database.WalBytes, "WAL");
        }

        var sizes = results.Sizes!;
        figures["tokenset_bytes"] = new Figure(Math.Round(sizes.Tokenset), $"{store}: on disk for each tokenset with its user, account, refresh token, keys and indexes");
        figures["tokenset_index_bytes"] = new Figure(Math.Round(sizes.TokensetIndexes), $"{store}: of these the indexes");
        figures["receipt_body_bytes"] = new Figure(Math.Round(sizes.ReceiptBody), $"{store}: the row that a refresh leaves for a day, without keys and indexes");
        figures["audit_row_bytes"] = new Figure(Math.Round(sizes.AuditRow), $"{store}: on disk for each audit row with its indexes");
        return new Costs { Command = command, MeasuredOn = day, Processors = Environment.ProcessorCount, Figures = figures };
    }

    public static Costs Read(string path) => JsonSerializer.Deserialize<Costs>(File.ReadAllText(path), Json)!;

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + "\n");
}
