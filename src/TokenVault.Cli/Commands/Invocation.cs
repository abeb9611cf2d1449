using System.CommandLine;
using TokenVault.Cli.Api;
using TokenVault.Cli.Profiles;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary>One run of a command: its options, and the server that they name.</summary>
internal sealed class Invocation(ParseResult options, Screen screen)
{
    private Lazy<ServerIdentity?>? _identity;

    public Screen Screen { get; } = screen;

    /// <summary>The server and the client that the command line or the environment names; null: none. Standard input is read once.</summary>
    public ServerIdentity? Identity => (_identity ??= new Lazy<ServerIdentity?>(() => ServerIdentity.Of(this))).Value;

    public bool Json => options.GetValue(ServerOptions.Json);

    public string? Domain => Given(ServerOptions.Domain, "TOKENVAULT_DOMAIN");

    public string? ClientId => Given(ServerOptions.ClientId, "TOKENVAULT_CLIENT_ID");

    private TextWriter? DebugWriter => options.GetValue(ServerOptions.Debug) || IsTrue(Environment.GetEnvironmentVariable("DEBUG")) ? Console.Error : null;

    public T? Get<T>(Option<T> option) => options.GetValue(option);

    public T? Get<T>(Argument<T> argument) => options.GetValue(argument);

    public bool Has(Option option) => options.GetResult(option) is { Implicit: false };

    public VaultHttp Connect(string issuer, string? authority) => new(issuer, authority, DebugWriter);

    /// <summary>The Management API, by what the command line, the environment or the profile says.</summary>
    /// <param name="anew">Log in, even where a profile would do.</param>
    public async Task<ManagementApi> OpenAsync(CancellationToken cancellationToken, bool anew = false)
    {
        if (Identity is { Secret: not null } identity)
        {
            var http = Connect(identity.Issuer, identity.Authority);
            await Discovery.ReadAsync(http, cancellationToken);
            var token = await new TokenRequests(http).ForClientAsync(identity.ClientId!, identity.Secret, cancellationToken);
            return new ManagementApi(http, token.Value);
        }

        if (anew)
        {
            throw new ToolException(ExitCode.Usage, "--login needs to know as whom: --bootstrap, or --domain with --client-id and a secret.", "Or log in first: tokenvault login");
        }

        var (name, profile) = FindProfile();
        if (profile.ExpiresAt <= TimeProvider.System.GetUtcNow())
        {
            throw new ToolException(
                ExitCode.NotAllowed, $"The login of the profile {name} has expired.",
                $"Log in again: tokenvault login --profile {name} --domain {new Uri(profile.Issuer).Authority} --client-id {profile.ClientId} --client-secret-file …");
        }

        return new ManagementApi(Connect(profile.Issuer, AuthorityText() ?? profile.Authority), profile.AccessToken);
    }

    /// <summary>The server, without a login.</summary>
    public VaultHttp ConnectToServer()
    {
        if (Identity is { } identity && (identity.Secret is not null || ByDomain(ProfileFile.Open()) is null))
        {
            return Connect(identity.Issuer, identity.Authority);
        }

        var (_, profile) = FindProfile();
        return Connect(profile.Issuer, AuthorityText() ?? profile.Authority);
    }

    /// <summary>The authority that the command line or the environment names; null: none.</summary>
    public string? AuthorityText() => Given(ServerOptions.Authority, "TOKENVAULT_CA") is { } path ? InputFile.Read(path, "authority") : null;

    private (string Name, Profile Profile) FindProfile()
    {
        var file = ProfileFile.Open();
        var named = Get(ServerOptions.Profile) ?? ByDomain(file) ?? (Domain is null ? file.Current : null);
        if (named is not null && file.All.TryGetValue(named, out var profile))
        {
            return (named, profile);
        }

        throw named is null
            ? new ToolException(ExitCode.NotAllowed, $"Not logged in{(Domain is { } domain ? " at " + domain : "")}.", "tokenvault login --bootstrap data/bootstrap.json, or with --domain, --client-id and --client-secret-file")
            : new ToolException(ExitCode.Usage, $"There is no profile {named}.", "tokenvault profiles list shows those there are.");
    }

    private string? ByDomain(ProfileFile file)
    {
        if (Domain is not { } domain)
        {
            return null;
        }

        var issuer = ServerAddress.Parse(domain);
        return file.Current is { } current && file.All.TryGetValue(current, out var profile) && profile.Issuer == issuer
            ? current
            : file.All.FirstOrDefault(other => other.Value.Issuer == issuer).Key;
    }

    private string? Given(Option<string?> option, string variable) =>
        Get(option) ?? (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null);

    private static bool IsTrue(string? value) => value is "1" || string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);
}
