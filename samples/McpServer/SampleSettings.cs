namespace TokenVault.Samples.McpServer;

/// <summary>What the sample has to know, from the environment: <c>make demo</c> writes it.</summary>
/// <param name="Issuer">The vault, with the closing slash.</param>
/// <param name="Origin">Where this server is reached.</param>
/// <param name="WebClient">The web application at the vault, with the callbacks <c>{Origin}/signed-in</c> and <c>{Origin}/connect/callback</c>.</param>
/// <param name="ApiClient">The client of the API <c>{Origin}/mcp</c> at the vault, of type <c>resource_server</c>.</param>
/// <param name="Connection">The connection's name.</param>
/// <param name="CalendarUrl">The provider's API.</param>
public sealed record SampleSettings(string Issuer, string Origin, SampleClient WebClient, SampleClient ApiClient, string Connection, Uri CalendarUrl)
{
    /// <summary>PEM of a development server's own authority.</summary>
    public string? CertificateAuthorityFile { get; init; }

    /// <summary>What the access tokens of this server are for (RFC 8707).</summary>
    public string Resource => Origin + "/mcp";

    /// <exception cref="InvalidOperationException">One is missing.</exception>
    internal static SampleSettings Read(IConfiguration configuration)
    {
        string Setting(string name) => configuration[name] ?? throw new InvalidOperationException($"{name} is not set: see README.md.");
        var web = new SampleClient(Setting("TOKENVAULT_CLIENT_ID"), Setting("TOKENVAULT_CLIENT_SECRET"));
        var api = new SampleClient(Setting("MCP_CLIENT_ID"), Setting("MCP_CLIENT_SECRET"));
        return new SampleSettings(Setting("TOKENVAULT_ISSUER"), Setting("WEBAPP_URL"), web, api, Setting("TOKENVAULT_CONNECTION"), new Uri(Setting("CALENDAR_URL")))
        {
            CertificateAuthorityFile = configuration["TOKENVAULT_CA_FILE"],
        };
    }
}

/// <summary>A client at the vault.</summary>
public sealed record SampleClient(string Id, string Secret)
{
    /// <summary>The id, and no secret.</summary>
    public override string ToString() => Id;
}
