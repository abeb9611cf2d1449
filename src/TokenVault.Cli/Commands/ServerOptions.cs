using System.CommandLine;

namespace TokenVault.Cli.Commands;

/// <summary>The options that every command has: which server, as whom, and how to print.</summary>
internal static class ServerOptions
{
    public static Option<string?> Profile { get; } = Text("--profile", "The profile to use, instead of the current one");

    public static Option<string?> Domain { get; } = Text("--domain", "The server, as in auth.example.com or localhost:8443 [env: TOKENVAULT_DOMAIN]");

    public static Option<string?> ClientId { get; } = Text("--client-id", "The client to act as [env: TOKENVAULT_CLIENT_ID]");

    public static Option<string?> ClientSecretFile { get; } =
        Text("--client-secret-file", "A file that holds the client's secret [env: TOKENVAULT_CLIENT_SECRET holds the secret itself]");

    public static Option<bool> ClientSecretStdin { get; } = Flag("--client-secret-stdin", "Read the client's secret from standard input");

    public static Option<string?> Bootstrap { get; } = Text("--bootstrap", "The bootstrap.json of the server's first start: server, client and authority in one");

    public static Option<string?> Authority { get; } = Text("--ca", "The certificate authority to trust for this server, a PEM file [env: TOKENVAULT_CA]");

    public static Option<bool> Debug { get; } = Flag("--debug", "Show each request and answer on standard error, without secrets [env: DEBUG=true]");

    public static Option<bool> Json { get; } = Flag("--json", "Print the result as JSON");

    public static Option<bool> NoColor { get; } = Flag("--no-color", "No colours [env: NO_COLOR]");

    public static Option<bool> NoInput { get; } = Flag("--no-input", "Never ask: what is missing is an error");

    public static IEnumerable<Option> All =>
        [Profile, Domain, ClientId, ClientSecretFile, ClientSecretStdin, Bootstrap, Authority, Debug, Json, NoColor, NoInput];

    private static Option<string?> Text(string name, string description) => new(name) { Description = description, Recursive = true };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description, Recursive = true };
}
