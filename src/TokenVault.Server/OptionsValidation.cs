using TokenVault.Server.Http;
using TokenVault.Server.Storage.Postgres;

namespace TokenVault.Server;

/// <summary>Reads and checks the operator's settings as a whole: every mistake is reported, at once, before anything starts.</summary>
internal static class OptionsValidation
{
    private static readonly string[] KnownKeys =
    [
        "Issuer", "DataDirectory", "Storage:ConnectionString", "Storage:ConnectionStringFile", "Storage:ClockTolerance", "Storage:RememberedRows", "Keys:RootKeyFile",
        "Keys:PreviousRootKeyFile", "Keys:RetireAfter", "Tls:CertificateFile", "Tls:KeyFile", "Egress:AllowedNetworks",
        "Egress:CertificateAuthorityFile", "Egress:AnswerTimeout", "Proxy:PlainHttp", "Proxy:TrustedNetworks",
        "Sessions:IdleLifetime", "Sessions:AbsoluteLifetime", "Audit:RetentionDays", "Audit:ManagementReads", "Api:RequestsPerSecond",
        "MultiFactor:SessionsMayExchange", "Passwords:Iterations",
        "PrivilegedWorker:RequireIpAllowlist", "PrivilegedWorker:RequireGrants", "PrivilegedWorker:RefreshTokens", "PrivilegedWorker:MaxTokenAge",
        "PrivilegedWorker:RequestsPerMinute", "PrivilegedWorker:UsersPerHour",
        "Mtls:Alias", "Mtls:Port", "Mtls:CertificateAuthorityFile", "Mtls:Header", "ProofOfPossession:TrustApis",
        .. ApprovalValidation.Keys, .. McpValidation.Keys,
    ];

    /// <exception cref="StartupException">With every mistake on a line of its own.</exception>
    public static TokenVaultOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(TokenVaultOptions.Section);
        var errors = UnknownKeys(section).ToList();
        var options = Bind(section, errors);
        errors.AddRange(Check(options));
        return errors.Count == 0
            ? options
            : throw new StartupException("The configuration is not valid:" + string.Concat(errors.Select(error => $"\n  {error}")));
    }

    private static TokenVaultOptions Bind(IConfigurationSection section, List<string> errors)
    {
        var options = new TokenVaultOptions();
        options.Issuer = section["Issuer"] ?? options.Issuer;
        options.DataDirectory = section["DataDirectory"] ?? options.DataDirectory;
        options.Storage.ConnectionString = SecretValue(section, "Storage:ConnectionString", errors);
        options.Storage.ClockTolerance =
            Parse(section, "Storage:ClockTolerance", options.Storage.ClockTolerance, TryParseTime, "a time span like 00:00:05", errors);
        options.Storage.RememberedRows =
            Parse(section, "Storage:RememberedRows", options.Storage.RememberedRows, TryParseCount, "a number from 0 (none) to 1000000", errors);
        options.Keys.RootKeyFile = section["Keys:RootKeyFile"];
        options.Keys.PreviousRootKeyFile = section["Keys:PreviousRootKeyFile"];
        options.Keys.RetireAfter = Parse(section, "Keys:RetireAfter", options.Keys.RetireAfter, TryParseTime, "a time span like 30.00:00:00", errors);
        options.Tls.CertificateFile = section["Tls:CertificateFile"];
        options.Tls.KeyFile = section["Tls:KeyFile"];
        options.Egress.AllowedNetworks = List(section, "Egress:AllowedNetworks");
        options.Egress.CertificateAuthorityFile = section["Egress:CertificateAuthorityFile"];
        options.Egress.AnswerTimeout = Parse(section, "Egress:AnswerTimeout", options.Egress.AnswerTimeout, TryParseTime, "a time span like 00:00:15", errors);
        options.Proxy.PlainHttp = Parse(section, "Proxy:PlainHttp", false, bool.TryParse, "true or false", errors);
        options.Proxy.TrustedNetworks = List(section, "Proxy:TrustedNetworks");
        options.Audit.RetentionDays = Parse(section, "Audit:RetentionDays", 0, TryParseDays, "a number of days from 0 (for ever) to 36500", errors);
        options.Audit.ManagementReads = Parse(section, "Audit:ManagementReads", false, bool.TryParse, "true or false", errors);
        options.Api.RequestsPerSecond =
            Parse(section, "Api:RequestsPerSecond", options.Api.RequestsPerSecond, TryParseCount, "a number from 0 (without limit) to 1000000", errors);
        var sessions = options.Sessions;
        sessions.IdleLifetime = Parse(section, "Sessions:IdleLifetime", sessions.IdleLifetime, TryParseTime, "a time span like 72:00:00", errors);
        sessions.AbsoluteLifetime = Parse(section, "Sessions:AbsoluteLifetime", sessions.AbsoluteLifetime, TryParseTime, "a time span like 7.00:00:00", errors);
        options.MultiFactor.SessionsMayExchange = Parse(section, "MultiFactor:SessionsMayExchange", false, bool.TryParse, "true or false", errors);
        options.Passwords.Iterations =
            Parse(section, "Passwords:Iterations", options.Passwords.Iterations, TryParseIterations, "a number from 10000 to 10000000", errors);
        BindWorker(section, options.PrivilegedWorker, errors);
        options.Mtls.Alias = section["Mtls:Alias"];
        options.Mtls.Port = Parse(section, "Mtls:Port", 0, TryParsePort, "a port from 1 to 65535", errors);
        options.Mtls.CertificateAuthorityFile = section["Mtls:CertificateAuthorityFile"];
        options.Mtls.Header = section["Mtls:Header"];
        options.ProofOfPossession.TrustApis = Parse(section, "ProofOfPossession:TrustApis", false, bool.TryParse, "true or false", errors);
        ApprovalValidation.Bind(section, options.Approvals, errors);
        McpValidation.Bind(section, options.Mcp, errors);
        return options;
    }

    private static void BindWorker(IConfigurationSection section, PrivilegedWorkerOptions worker, List<string> errors)
    {
        worker.RequireIpAllowlist = Parse(section, "PrivilegedWorker:RequireIpAllowlist", false, bool.TryParse, "true or false", errors);
        worker.RequireGrants = Parse(section, "PrivilegedWorker:RequireGrants", false, bool.TryParse, "true or false", errors);
        worker.RefreshTokens = Parse(section, "PrivilegedWorker:RefreshTokens", true, bool.TryParse, "true or false", errors);
        worker.MaxTokenAge = Parse(section, "PrivilegedWorker:MaxTokenAge", worker.MaxTokenAge, TryParseTime, "a time span like 00:01:00", errors);
        worker.RequestsPerMinute = Parse(section, "PrivilegedWorker:RequestsPerMinute", 0, TryParseCount, "a number from 0 (without limit) to 1000000", errors);
        worker.UsersPerHour = Parse(section, "PrivilegedWorker:UsersPerHour", 0, TryParseCount, "a number from 0 (without limit) to 1000000", errors);
    }

    private static IEnumerable<string> Check(TokenVaultOptions options)
    {
        if (IssuerProblem(options.Issuer) is { } problem)
        {
            yield return $"{Name("Issuer")} {problem} It is '{options.Issuer}'.";
        }

        if (options.Storage.ConnectionString is { } connectionString && PostgresSettings.Parse(connectionString) is null)
        {
            yield return $"{Name("Storage:ConnectionString")} must be PostgreSQL's, Host=…;Database=…;Username=…;Password=…, or be left out for SQLite.";
        }

        foreach (var error in CheckTls(options).Concat(MtlsValidation.Check(options)).Concat(ApprovalValidation.Check(options.Approvals)).Concat(McpValidation.Check(options.Mcp)))
        {
            yield return error;
        }

        foreach (var (name, networks) in new[] { ("Egress:AllowedNetworks", options.Egress.AllowedNetworks), ("Proxy:TrustedNetworks", options.Proxy.TrustedNetworks) })
        {
            foreach (var network in networks.Where(network => !Network.TryParse(network, out _)))
            {
                yield return $"{Name(name)}: '{network}' is not an address or a network in CIDR notation with zero host bits.";
            }
        }

        foreach (var error in CheckEgress(options.Egress))
        {
            yield return error;
        }

        if (options.Proxy.PlainHttp && options.Proxy.TrustedNetworks.Count == 0)
        {
            yield return $"{Name("Proxy:PlainHttp")} needs {Name("Proxy:TrustedNetworks")}: the proxy that ends TLS.";
        }

        if (options.Keys.RetireAfter < TimeSpan.FromHours(1))
        {
            yield return $"{Name("Keys:RetireAfter")} must be an hour or more: what was read before a re-wrap may be written back after it.";
        }

        if (options.PrivilegedWorker.MaxTokenAge <= TimeSpan.Zero || options.PrivilegedWorker.MaxTokenAge > PrivilegedWorkerOptions.LongestLife)
        {
            yield return $"{Name("PrivilegedWorker:MaxTokenAge")} must be positive, and an hour at most.";
        }

        if (options.Sessions.IdleLifetime <= TimeSpan.Zero || options.Sessions.AbsoluteLifetime < options.Sessions.IdleLifetime)
        {
            yield return $"{Name("Sessions")}: IdleLifetime must be positive, and AbsoluteLifetime not shorter.";
        }
    }

    private static IEnumerable<string> CheckEgress(TokenVaultOptions.EgressOptions egress)
    {
        if (egress.CertificateAuthorityFile is { } authority && !File.Exists(authority))
        {
            yield return $"{Name("Egress:CertificateAuthorityFile")}: there is no file '{authority}'.";
        }

        if (egress.AnswerTimeout < TimeSpan.FromSeconds(1) || egress.AnswerTimeout > TimeSpan.FromMinutes(1))
        {
            yield return $"{Name("Egress:AnswerTimeout")} must be a second to a minute.";
        }
    }

    private static IEnumerable<string> CheckTls(TokenVaultOptions options)
    {
        var tls = options.Tls;
        if ((tls.CertificateFile is null) != (tls.KeyFile is null))
        {
            yield return $"{Name("Tls:CertificateFile")} and {Name("Tls:KeyFile")} come together.";
        }

        foreach (var (name, file) in new[] { ("Tls:CertificateFile", tls.CertificateFile), ("Tls:KeyFile", tls.KeyFile) })
        {
            if (file is not null && !File.Exists(file))
            {
                yield return $"{Name(name)}: there is no file '{file}'.";
            }
        }

        if (tls.CertificateFile is null && !options.Proxy.PlainHttp && IssuerProblem(options.Issuer) is null && new Uri(options.Issuer).Host != "localhost")
        {
            yield return $"{Name("Tls:CertificateFile")}: an issuer other than localhost needs a certificate, or {Name("Proxy:PlainHttp")} behind a proxy that has one.";
        }
    }

    public static string? IssuerProblem(string issuer)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
        {
            return "must be an https URL.";
        }

        // SDKs compare the issuer as a string with what they build themselves: https://host[:port]/.
        return uri.AbsoluteUri == issuer && uri.AbsolutePath == "/" && uri.Query.Length == 0 && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0
            ? null
            : "must be https://host[:port]/ in lower case, with the slash and nothing after it.";
    }

    private static IEnumerable<string> UnknownKeys(IConfigurationSection section) =>
        from pair in section.AsEnumerable(makePathsRelative: true)
        where pair.Value is not null && !McpValidation.IsKey(pair.Key) && !KnownKeys.Any(known => pair.Key.Equals(known, StringComparison.OrdinalIgnoreCase) || IsItemOf(pair.Key, known))
        orderby pair.Key
        select $"{Name(pair.Key)} is not a setting of this server.";

    private static bool IsItemOf(string key, string known) =>
        known is "Egress:AllowedNetworks" or "Proxy:TrustedNetworks"
        && key.StartsWith(known + ":", StringComparison.OrdinalIgnoreCase)
        && int.TryParse(key.AsSpan(known.Length + 1), out _);

    /// <summary>Every secret may come from a file instead.</summary>
    public static string? SecretValue(IConfigurationSection section, string key, List<string> errors)
    {
        if (section[key + "File"] is not { } file)
        {
            return section[key];
        }

        if (section[key] is not null)
        {
            errors.Add($"{Name(key)} and {Name(key + "File")} exclude each other.");
        }

        if (File.Exists(file))
        {
            return File.ReadAllText(file).TrimEnd('\r', '\n');
        }

        errors.Add($"{Name(key + "File")}: there is no file '{file}'.");
        return null;
    }

    private static List<string> List(IConfigurationSection section, string key) =>
        [.. section.GetSection(key).GetChildren().Select(child => child.Value).OfType<string>()];

    public static T Parse<T>(IConfigurationSection section, string key, T fallback, TryParser<T> parse, string expected, List<string> errors)
    {
        if (section[key] is not { } text)
        {
            return fallback;
        }

        if (parse(text, out var value))
        {
            return value;
        }

        errors.Add($"{Name(key)} must be {expected}. It is '{text}'.");
        return fallback;
    }

    private static bool TryParseTime(string text, out TimeSpan value) =>
        TimeSpan.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out value);

    public static bool TryParseCount(string text, out int value) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out value) && value <= 1_000_000;

    public static bool TryParsePort(string text, out int value) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out value) && value is >= 1 and <= 65_535;

    /// <summary>No fewer than what NIST SP 800-63B (§5.1.1.2) allows; the most take seconds.</summary>
    private static bool TryParseIterations(string text, out int value) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out value) && value is >= 10_000 and <= 10_000_000;

    private static bool TryParseDays(string text, out int value) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out value) && value <= 36_500;

    public static string Name(string key) => $"{TokenVaultOptions.Section}__{key.Replace(":", "__", StringComparison.Ordinal)}";

    public delegate bool TryParser<T>(string text, out T value);
}
