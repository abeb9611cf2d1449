using System.CommandLine;
using TokenVault.Cli.Api;
using TokenVault.Cli.Resources;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault accounts</c>: what a user has connected; one's own, where a person is logged in.</summary>
internal static class AccountsCommand
{
    private static readonly Argument<string> User = new("user-id") { Description = "The user, as in 'auth0|…'; oneself, after login --my-account", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Account = new("account-id") { Description = "The account, as the list shows it" };
    private static readonly Option<string?> Owner = new("--user") { Description = "The user, as in 'auth0|…'; oneself, after login --my-account" };

    private static readonly Column[] Columns =
    [
        Column.Of("Account", "id"), Column.Of("Connection", "connection"), new("Scopes", item => string.Join(' ', Wire.Texts(item["scopes"]))), Column.Of("Connected", "created_at"),
    ];

    public static Command Create() => new Command("accounts", "The accounts that a user has connected.\n\nExamples:\n  tokenvault accounts 'auth0|…'\n  tokenvault accounts --json")
    {
        User,
        new Command(
            "disconnect",
            """
            Disconnect an account: its tokens are deleted, and revoked at the provider. It asks first.

            Examples:
              tokenvault accounts disconnect cac_… --user 'auth0|…' --yes
              tokenvault accounts disconnect cac_…
            """)
        {
            Account, Owner, Confirmation.Yes,
        }.Runs(DisconnectAsync),
    }.Runs(ListAsync);

    private static async Task<int> ListAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (run.Get(User) is not { } user)
        {
            using var own = await OwnAsync(run, "the user's id", cancellationToken);
            return Listing.Show(run, await own.AccountsAsync(cancellationToken), Columns);
        }

        using var api = await run.OpenAsync(cancellationToken);
        return Listing.Show(run, await new UserAccounts(api, user).AccountsAsync(cancellationToken), Columns);
    }

    private static async Task<int> DisconnectAsync(Invocation run, CancellationToken cancellationToken)
    {
        var id = run.Get(Account)!;
        if (run.Get(Owner) is { } user)
        {
            using var api = await run.OpenAsync(cancellationToken);
            var accounts = new UserAccounts(api, user);
            return await accounts.DisconnectAsync(run, await accounts.TokensetOfAsync(id, cancellationToken), cancellationToken);
        }

        using var own = await OwnAsync(run, Owner.Name, cancellationToken);
        if (!Confirmation.Given(run, $"Disconnect {id}? Its tokens are revoked, and you have to connect again."))
        {
            return ExitCode.Failed;
        }

        await own.DisconnectAsync(id, cancellationToken);
        run.Screen.Done($"Disconnected {id}.");
        return ExitCode.Done;
    }

    private static async Task<MyAccountApi> OwnAsync(Invocation run, string missing, CancellationToken cancellationToken) =>
        await run.OpenOwnAsync(cancellationToken)
        ?? throw new ToolException(ExitCode.Usage, "Missing: " + missing, "tokenvault users lists them. For accounts of your own: tokenvault login --device --my-account");
}
