using System.Diagnostics;
using System.Globalization;
using TokenVault.Server;

namespace TokenVault.Benchmarks;

/// <summary>The server as it is released over a filled store, beside a provider of its own.</summary>
internal sealed class Vault(Subject subject, BenchProvider provider) : IAsyncDisposable
{
    public Subject Subject => subject;

    public string Name => subject.Name;

    public static async Task<Vault> StartAsync(string name, FilledStore store, Func<Task<bool>> answers)
    {
        var provider = await BenchProvider.StartAsync(store.ProviderPort);
        try
        {
            var server = await ServerProcess.StartAsync(Serve(store.Deployment), answers);
            return new Vault(new Subject(name, server, store.Deployment, kind => store.Files[kind.Bodies]), provider);
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Whether each answer has its audit row, after the server has stopped. Requests that were under way when the generator stopped are in the log
    /// as well; so are the first answers.
    /// </summary>
    public async Task CheckAsync(Results results)
    {
        var log = await subject.At.TallyAuditAsync();
        results.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{Name}: {subject.Answered:N0} answers, {log.Exchanges:N0} audit rows of exchanges; {subject.Refreshed:N0} of the answers with a refresh, {provider.Refreshes:N0} refreshes at the provider, {log.Refreshes:N0} audit rows of refreshes."));
        if (log.Exchanges < subject.Answered || log.Exchanges - subject.Answered > subject.UnderWay + 20)
        {
            results.Failures.Add($"{Name}: {subject.Answered} answers, but {log.Exchanges} audit rows of exchanges");
        }

        if (log.Refreshes != provider.Refreshes || provider.Refused > 0 || log.Refreshes < subject.Refreshed || log.Refreshes - subject.Refreshed > subject.RefreshesUnderWay)
        {
            results.Failures.Add($"{Name}: {subject.Refreshed} answers with a refresh, {provider.Refreshes} refreshes and {provider.Refused} refusals at the provider, {log.Refreshes} audit rows of refreshes");
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await subject.Server.DisposeAsync();
        }
        finally
        {
            await provider.DisposeAsync();
        }
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
}
