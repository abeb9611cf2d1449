using System.CommandLine;

namespace TokenVault.Cli.Setup;

/// <summary>The options of <c>tokenvault setup</c>. Those up to <see cref="ConfigurePrivateKeyJwt"/> have the original tool's names.</summary>
internal static class SetupOptions
{
    public static Option<bool> Login { get; } = Flag("--login", "Log in with the options given, whatever profile there is");

    public static Option<string?> ApplicationSetup { get; } = Text("--app-setup", "new or existing");

    public static Option<string?> ApplicationName { get; } = Text("--app-name", "The name of a new application; one of this name that is there already is taken");

    public static Option<string?> ApplicationType { get; } = Text("--app-type", "Of a new application: regular or m2m");

    public static Option<string?> Callbacks { get; } = Text("--callback-urls", "Allowed callback URLs, separated by commas");

    public static Option<string?> LogoutUrls { get; } = Text("--logout-urls", "Allowed logout URLs, separated by commas");

    public static Option<string?> ApplicationId { get; } = Text("--app-id", "The client id of an existing application");

    public static Option<string?> Flavor { get; } = Text("--flavor", string.Join(", ", Flavors.ByName.Keys));

    public static Option<string?> Connections { get; } = Text("--connections", "Names of existing connections, separated by commas, or none");

    public static Option<bool?> CreateApiClient { get; } = Choice("--create-api-client", "For access_token_exchange: make the API and its client");

    public static Option<string?> ApiIdentifier { get; } = Text("--api-identifier", "The API's identifier, which is the audience of its tokens");

    public static Option<string?> ApiClientName { get; } = Text("--api-client-name", "The name of the API's client");

    public static Option<bool?> ConfigurePrivateKeyJwt { get; } = Choice("--configure-private-key-jwt", "For privileged_worker: it authenticates by a key, too (true unless said otherwise)");

    public static Option<string?> NewStrategy { get; } = Text("--create-connection", "Make a connection: its strategy, as in github, google-oauth2, oidc or oauth2");

    public static Option<string?> NewName { get; } = Text("--connection-name", "Its name; the strategy's unless given");

    public static Option<string?> NewClientId { get; } = Text("--connection-client-id", "The client id that the provider gave you");

    public static Option<string?> NewClientSecretFile { get; } =
        Text("--connection-client-secret-file", "A file with the secret that the provider gave you [env: TOKENVAULT_CONNECTION_CLIENT_SECRET holds the secret itself]");

    public static Option<string?> NewScopes { get; } = Text("--connection-scopes", "The scopes to ask for at the provider, separated by commas");

    public static Option<string[]> NewOptions { get; } = Many("--connection-option", "A further option, as in discovery_url=https://… (repeatable)");

    public static Option<string?> IpAllowlist { get; } = Text("--ip-allowlist", "Of a privileged worker: addresses and networks, separated by commas, or any");

    public static Option<string[]> Grants { get; } = Many("--grant", "Of a privileged worker: connection=scope,scope, the most that it may reach there (repeatable)");

    public static Option<int?> UsersPerHour { get; } = new("--users-per-hour") { Description = "Of a privileged worker: for how many different users it may ask within an hour" };

    public static Option<string?> Folder { get; } = Text("--out", "Where the environment file and a worker's keys go; tokenvault-NAME unless given");

    public static Option<bool> RotateSecret { get; } = Flag("--rotate-secret", "Replace the application's secret, when nobody knows it any more");

    public static Option<bool> Plan { get; } = Flag("--plan", "Show what would be changed, and change nothing; the exit code is 2 when there is something");

    public static Option<bool> Yes { get; } = Flag("--yes", "Do not ask before changing");

    public static Option<bool> AllowWeakening { get; } = Flag("--allow-weakening", "Also make changes that lower a protection");

    public static Option<bool> Try { get; } = Flag("--try", "Afterwards sign in, connect an account and exchange, to see it work");

    public static Option<bool> NoBrowser { get; } = Flag("--no-browser", "With --try: print addresses, and open no browser");

    public static IEnumerable<Option> All =>
    [
        Login, ApplicationSetup, ApplicationName, ApplicationType, Callbacks, LogoutUrls, ApplicationId, Flavor, Connections, CreateApiClient, ApiIdentifier,
        ApiClientName, ConfigurePrivateKeyJwt, NewStrategy, NewName, NewClientId, NewClientSecretFile, NewScopes, NewOptions, IpAllowlist, Grants, UsersPerHour,
        Folder, RotateSecret, Plan, Yes, AllowWeakening, Try, NoBrowser,
    ];

    private static Option<string?> Text(string name, string description) => new(name) { Description = description };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    private static Option<bool?> Choice(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };

    private static Option<string[]> Many(string name, string description) => new(name) { Description = description, AllowMultipleArgumentsPerToken = false };
}
