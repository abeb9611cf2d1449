namespace TokenVault.Server;

/// <summary>How clients present certificates (RFC 8705). Off unless there is an alias.</summary>
internal sealed class MtlsOptions
{
    /// <summary>
    /// <c>https://host[:port]/</c>: where clients with a certificate call, apart from the issuer, so that no browser is ever asked for one.
    /// Discovery shows it as <c>mtls_endpoint_aliases</c>.
    /// </summary>
    public string? Alias { get; set; }

    /// <summary>On which port of this server clients are asked for a certificate; 0: a proxy asks for it.</summary>
    public int Port { get; set; }

    /// <summary>PEM: the authorities whose certificates <c>tls_client_auth</c> accepts, with their intermediates.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>In which header the trusted proxies pass the client's certificate on.</summary>
    public string? Header { get; set; }
}
