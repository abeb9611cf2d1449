using System.CommandLine;
using TokenVault.Cli.Api;
using TokenVault.Cli.Profiles;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary>One run of a command: its options, and the server that they name.</summary>
internal sealed class Invocation(ParseResult options, Screen screen, Surroundings surroundings)
{
    private Lazy<ServerIdentity?>? _identity;

    public Screen Screen { get; } = screen;

    public Surroundings Surroundings { get; } = surroundings;

    /// <summary>The server and the client that the command line or the environment names; null: none. Standard input is read once.</summary>
    public ServerIdentity? Identity => (_identity ??= new Lazy<ServerIdentity?>(() => ServerIdentity.Of(this))).Value;

    public bool Json => options.GetValue(ServerOptions.Json);

    public string? Domain => Given(ServerOptions.Domain, "TOKENVAULT_DOMAIN");

    public string? ClientId => Given(ServerOptions.ClientId, "TOKENVAULT_CLIENT_ID");

    /// <summary>Where something came from, for who asked for it.</summary>
    public void Debug(Exception e)
    {
        if (DebugWriter is { } writer && e is not (ToolException or OperationCanceledException))
        {
            writer.WriteLine($"{e.GetType()}\n{e.StackTrace}");
        }
    }

    /// <summary>The logins there are, now.</summary>
    public ProfileFile Profiles => ProfileFile.Open(Surroundings.ProfilesFile);

    private TextWriter? DebugWriter => options.GetValue(ServerOptions.Debug) || IsTrue(Surroundings["DEBUG"]) ? Surroundings.Error : null;

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
        if (profile.OwnAccounts)
        {
            throw new ToolException(
                ExitCode.NotAllowed, $"The profile {name} is a person's login to their own accounts, and administers nothing.",
                "Log in as a client, or name another profile: --profile …");
        }

        var server = Connect(profile.Issuer, AuthorityText() ?? profile.Authority);
        return new ManagementApi(server, await ProfileRenewal.TokenAsync(this, name, profile, server, cancellationToken));
    }

    /// <summary>The person's own accounts; null: the profile, or whoever the command line names, is no person.</summary>
    public async Task<MyAccountApi?> OpenOwnAsync(CancellationToken cancellationToken)
    {
        if (Identity is { Secret: not null } || FindProfile() is not { Profile.OwnAccounts: true } found)
        {
            return null;
        }

        var http = Connect(found.Profile.Issuer, AuthorityText() ?? found.Profile.Authority);
        return new MyAccountApi(http, await ProfileRenewal.TokenAsync(this, found.Name, found.Profile, http, cancellationToken));
    }

    /// <summary>The server, without a login.</summary>
    public VaultHttp ConnectToServer()
    {
        if (Identity is { } identity && (identity.Secret is not null || ByDomain(Profiles) is null))
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
        var file = Profiles;
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
        Get(option) ?? Surroundings[variable];

    private static bool IsTrue(string? value) => value is "1" || string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);
}
