using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using TokenVault.Server;
using TokenVault.Server.Demo;

namespace TokenVault.Benchmarks;

/// <summary>
/// One vault with its settings and its data: plain HTTP on loopback, as behind a proxy that ends TLS, so that what is measured is the
/// server and not OpenSSL in the load generator.
/// </summary>
internal sealed class Deployment(string? database) : IDisposable
{
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("tokenvault-bench-");
    private readonly int _port = LoopbackHttp.FreePort();

    public string Directory => _directory.FullName;

    public string Issuer => $"https://localhost:{_port}/";

    /// <summary>Where it is reached.</summary>
    public string Address => $"http://127.0.0.1:{_port}/";

    public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Issuer"] = Issuer,
        ["TokenVault:DataDirectory"] = Path.Combine(_directory.FullName, "data"),
        ["TokenVault:Storage:ConnectionString"] = Database,
        ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",
        ["TokenVault:Proxy:PlainHttp"] = "true",
        ["TokenVault:Proxy:TrustedNetworks:0"] = "127.0.0.0/8",
        ["urls"] = Address,
    };

    /// <summary>Null for the SQLite store among its data.</summary>
    public string? Database { get; set; } = database;

    public JsonNode Bootstrap() => JsonNode.Parse(File.ReadAllText(Path.Combine(_directory.FullName, "data", "bootstrap.json")))!;

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(Settings.Where(setting => setting.Value is not null));
        builder.Logging.ClearProviders();
    }

    /// <summary>Copies the SQLite store to PostgreSQL. The server must not run.</summary>
    public async Task CopyToAsync(string database)
    {
        if (await MigrateCommand.RunAsync(["--from", Path.Combine(Directory, "data"), "--to", database], TextWriter.Null) != 0)
        {
            throw new InvalidOperationException("The store was not copied.");
        }
    }

    /// <summary>What its log has. The server must not run.</summary>
    public async Task<AuditTally> TallyAuditAsync()
    {
        var options = new TokenVaultOptions { DataDirectory = Path.Combine(Directory, "data") };
        options.Storage.ConnectionString = Database;
        await using var storage = await TokenVaultServer.OpenStorageAsync(options, TimeProvider.System, log: null);
        return await AuditTally.CountAsync(storage);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
