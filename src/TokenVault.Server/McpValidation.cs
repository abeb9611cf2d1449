using TokenVault.Server.Mcp;

namespace TokenVault.Server;

/// <summary>Reads and checks the settings of the MCP server.</summary>
internal static class McpValidation
{
    private const string Calls = "Mcp:Calls";

    public static string[] Keys { get; } = ["Mcp:Enabled"];

    /// <summary><c>Mcp:Calls:0:Connection</c> and <c>Mcp:Calls:0:BaseUrls:0</c>.</summary>
    public static bool IsKey(string key) =>
        key.Split(':') is ["Mcp", "Calls", var n, .. var rest] && int.TryParse(n, out _)
        && rest is ["Connection"] or ["BaseUrls", _] && (rest.Length == 1 || int.TryParse(rest[1], out _));

    public static void Bind(IConfigurationSection section, McpOptions options, List<string> errors)
    {
        options.Enabled = OptionsValidation.Parse(section, "Mcp:Enabled", false, bool.TryParse, "true or false", errors);
        options.Calls =
        [
            .. section.GetSection(Calls).GetChildren().Select(permit => new McpOptions.CallPermit(
                permit["Connection"] ?? "", [.. permit.GetSection("BaseUrls").GetChildren().Select(url => url.Value ?? "")])),
        ];
    }

    public static IEnumerable<string> Check(McpOptions options)
    {
        for (var i = 0; i < options.Calls.Count; i++)
        {
            var (connection, urls) = options.Calls[i];
            var name = OptionsValidation.Name($"{Calls}:{i}");
            if (connection.Length == 0 || urls.Count == 0)
            {
                yield return $"{name} needs a Connection, and BaseUrls that may be called with its users' tokens.";
            }

            foreach (var url in urls)
            {
                if (CallTarget.BaseProblem(url) is { } problem)
                {
                    yield return $"{name}:BaseUrls: '{url}' {problem}.";
                }
            }
        }
    }
}
