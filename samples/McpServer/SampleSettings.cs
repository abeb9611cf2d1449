namespace TokenVault.Samples.McpServer;

/// <summary>Section <c>Sample</c> of the configuration.</summary>
public sealed class SampleSettings
{
    /// <summary>The vault, with the closing slash.</summary>
    public string Issuer { get; set; } = "https://localhost:8443/";

    /// <summary>PEM of a development server's own authority.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>Where this server is reached.</summary>
    public string Origin { get; set; } = "https://localhost:5001";

    /// <summary>The web application at the vault, with the callbacks <c>{Origin}/signed-in</c> and <c>{Origin}/connect/callback</c>.</summary>
    public string WebClientId { get; set; } = "";

    /// <summary>Its secret.</summary>
    public string WebClientSecret { get; set; } = "";

    /// <summary>The client of the API <c>{Origin}/mcp</c> at the vault, of type <c>resource_server</c>.</summary>
    public string ApiClientId { get; set; } = "";

    /// <summary>Its secret.</summary>
    public string ApiClientSecret { get; set; } = "";

    /// <summary>The connection's name.</summary>
    public string Connection { get; set; } = "calendar";

    /// <summary>What the tool needs there.</summary>
    public string CalendarScope { get; set; } = "calendar.read";

    /// <summary>The provider's API.</summary>
    public Uri CalendarUrl { get; set; } = new("https://provider.example/api/calendar");

    /// <summary>What the access tokens of this server are for (RFC 8707).</summary>
    public string Resource => Origin + "/mcp";
}
