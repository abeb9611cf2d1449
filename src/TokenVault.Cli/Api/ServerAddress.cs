namespace TokenVault.Cli.Api;

/// <summary>Where a server is: its issuer, with the closing slash.</summary>
internal static class ServerAddress
{
    /// <param name="domain">As the SDKs take it, <c>localhost:8443</c>, or as a URL.</param>
    public static string Parse(string domain)
    {
        var text = domain.Contains("://", StringComparison.Ordinal) ? domain : "https://" + domain;
        var proper = Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
            && uri.HostNameType != UriHostNameType.Unknown;
        return proper
            ? uri!.GetLeftPart(UriPartial.Authority) + "/"
            : throw new ToolException(ExitCode.Usage, $"Not a server's domain: {Redactor.Url(text)}", "Expected a host and perhaps a port, as in auth.example.com or localhost:8443. Servers speak HTTPS.");
    }
}
