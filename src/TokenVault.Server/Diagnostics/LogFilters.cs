using Microsoft.Extensions.Configuration.Memory;

namespace TokenVault.Server.Diagnostics;

/// <summary>
/// What the framework may log. ASP.NET Core's request lines show the whole URL, and URLs of this server carry authorization
/// codes, connect tickets and sign-in state: these lines are never written, whatever the settings say (T-AU-01).
/// </summary>
internal static class LogFilters
{
    private const string RequestLines = "Microsoft.AspNetCore.Hosting.Diagnostics";

    public static void Apply(WebApplicationBuilder builder)
    {
        // The first source is the weakest: any setting of the operator wins over this default.
        var quiet = new MemoryConfigurationSource { InitialData = [new("Logging:LogLevel:Microsoft.AspNetCore", nameof(LogLevel.Warning))] };
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, quiet);
        builder.Services.PostConfigure<LoggerFilterOptions>(Silence);
    }

    /// <summary>The last rule for a whole category name wins, among the rules for one provider and among those for all.</summary>
    private static void Silence(LoggerFilterOptions options)
    {
        foreach (var provider in options.Rules.Select(rule => rule.ProviderName).Append(null).Distinct(StringComparer.Ordinal).ToList())
        {
            options.Rules.Add(new LoggerFilterRule(provider, RequestLines, LogLevel.Warning, filter: null));

            // What keeps the server from starting is told once, in one line, by whoever called.
            options.Rules.Add(new LoggerFilterRule(provider, "Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None, filter: null));
        }
    }
}
