using System.CommandLine;
using TokenVault.Cli.Resources;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault tokensets</c>: what is kept of the providers' tokens.</summary>
internal static class TokensetsCommand
{
    private static readonly Argument<string> User = new("user-id") { Description = "The user, as in 'auth0|…'", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Tokenset = new("tokenset-id") { Description = "The tokenset, as the list shows it" };
    private static readonly Option<string> Owner = new("--user") { Description = "The user, as in 'auth0|…'", Required = true };

    private static readonly Column[] Columns =
    [
        Column.Of("Tokenset", "id"), Column.Of("Connection", "connection"), Column.Of("Scopes", "scope"), Column.Of("Expires", "expires_at"), Column.Of("Last used", "last_used_at"),
    ];

    public static Command Create() => new Command("tokensets", "The providers' tokens that are kept for a user, without the tokens.\n\nExamples:\n  tokenvault tokensets 'auth0|…'")
    {
        User,
        new Command(
            "disconnect",
            """
            Delete a tokenset and the account that it belongs to; its tokens are revoked at the provider. It asks first.

            Examples:
              tokenvault tokensets disconnect fct_… --user 'auth0|…' --yes
            """)
        {
            Tokenset, Owner, Confirmation.Yes,
        }.Runs(DisconnectAsync),
    }.Runs(ListAsync);

    private static async Task<int> ListAsync(Invocation run, CancellationToken cancellationToken)
    {
        var user = run.Get(User) ?? throw new ToolException(ExitCode.Usage, "Missing: the user's id", "tokenvault users lists them.");
        using var api = await run.OpenAsync(cancellationToken);
        return Listing.Show(run, await new UserAccounts(api, user).TokensetsAsync(cancellationToken), Columns);
    }

    private static async Task<int> DisconnectAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        return await new UserAccounts(api, run.Get(Owner)!).DisconnectAsync(run, run.Get(Tokenset)!, cancellationToken);
    }
}
