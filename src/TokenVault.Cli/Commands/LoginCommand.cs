using System.CommandLine;
using TokenVault.Cli.Api;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault login</c>: a management token for the commands that follow.</summary>
internal static class LoginCommand
{
    private static readonly Option<bool> Device = new("--device") { Description = "With --my-account: log in as a person, in a browser, to whom --client-id shows itself. Nobody administers as a person: the Management API is for clients" };
    private static readonly Option<bool> MyAccount = new("--my-account") { Description = "Log in as a person to their own connected accounts (tokenvault accounts), not to the Management API" };
    private static readonly Option<string?> Scopes = new("--scopes") { Description = "With --device, at a server that gives people a login to its Management API: the scopes to ask for, separated by commas" };

    public static Command Create() => new Command(
        "login",
        """
        Log in at a server, and make it the current profile.

        Examples:
          tokenvault login --bootstrap data/bootstrap.json
          tokenvault login --domain auth.example.com --client-id … --client-secret-file secret.txt
          tokenvault login --domain auth.example.com --client-id … --device --my-account
        """)
    {
        Device,
        MyAccount,
        Scopes,
    }.Runs(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var identity = run.Identity ?? Ask(run);
        using var http = run.Connect(identity.Issuer, identity.Authority);
        var discovery = await Discovery.ReadAsync(http, cancellationToken);
        var clientId = identity.ClientId ?? run.Screen.Ask("Client id:", "--client-id");
        var own = run.Get(MyAccount);
        var token = run.Get(Device) || own
            ? await new DeviceLogin(http, run.Screen, TimeProvider.System).RunAsync(
                discovery, clientId, own ? DeviceScope.MyAccount() : DeviceScope.Management(run.Get(Scopes)?.Replace(',', ' ')), cancellationToken)
            : await new TokenRequests(http).ForClientAsync(
                clientId, identity.Secret ?? run.Screen.AskSecret("Client secret:", "--client-secret-file or --client-secret-stdin"), cancellationToken);
        var name = run.Get(ServerOptions.Profile) ?? Profile.NameFor(identity.Issuer);
        using var turn = await ProfileTurn.TakeAsync(run.Surroundings.ProfilesFile, cancellationToken);
        run.Profiles.Put(name, new Profile
        {
            Issuer = identity.Issuer,
            ClientId = clientId,
            AccessToken = token.Value,
            ExpiresAt = token.ExpiresAt,
            RefreshToken = token.RefreshToken,
            OwnAccounts = own,
            Authority = identity.Authority,
        });
        run.Screen.Done($"Logged in at {identity.Issuer} as the profile {name}, {token}.");
        return ExitCode.Done;
    }

    private static ServerIdentity Ask(Invocation run)
    {
        var domain = run.Screen.Ask("Domain of the server:", "--domain or --bootstrap");
        return new ServerIdentity(ServerAddress.Parse(domain), ClientId: run.ClientId, Secret: null, run.AuthorityText());
    }
}
