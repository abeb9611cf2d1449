using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Resources;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault keys</c>: what the server signs with.</summary>
internal static class KeysCommand
{
    private const string Path = "keys/signing";
    private static readonly string[] States = ["current", "next", "previous", "revoked"];
    private static readonly Argument<string> Kid = new("kid") { Description = "The key's id, as the list shows it" };

    private static readonly Column[] Columns =
        [Column.Of("Key", "kid"), Column.Of("Algorithm", "alg"), new("State", State), Column.Of("Since", "current_since"), Column.Of("Until", "current_until")];

    public static Command Create() => new Command("keys", "The keys that the server signs with. Without a subcommand: list them.\n\nExamples:\n  tokenvault keys\n  tokenvault keys rotate")
    {
        new Command("list", "List them.\n\nExamples:\n  tokenvault keys list --json").Runs(ListAsync),
        new Command(
            "rotate",
            """
            Sign with new keys from now on. Tokens of the former ones stay good. It asks first.

            Examples:
              tokenvault keys rotate
              tokenvault keys rotate --yes
            """)
        {
            Confirmation.Yes,
        }.Runs(RotateAsync),
        new Command(
            "revoke",
            """
            Take a previous key back: tokens that it signed are good no more. It asks first.

            Examples:
              tokenvault keys revoke KID
            """)
        {
            Kid, Confirmation.Yes,
        }.Runs(RevokeAsync),
    }.Runs(ListAsync);

    private static async Task<int> ListAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        return Listing.Show(run, await api.FollowAsync(Path, member: null, cancellationToken), Columns);
    }

    private static Task<int> RotateAsync(Invocation run, CancellationToken cancellationToken) => ChangeAsync(
        run, "Sign with new keys from now on?", HttpMethod.Post, Path + "/rotate", "New keys sign from now on; the RS256 one is", cancellationToken);

    private static Task<int> RevokeAsync(Invocation run, CancellationToken cancellationToken) => ChangeAsync(
        run, $"Revoke the key {run.Get(Kid)}? Every token that it signed stops working.", HttpMethod.Put,
        $"{Path}/{Uri.EscapeDataString(run.Get(Kid)!)}/revoke", "Revoked the key", cancellationToken);

    private static async Task<int> ChangeAsync(
        Invocation run, string question, HttpMethod method, string path, string done, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        if (!Confirmation.Given(run, question))
        {
            return ExitCode.Failed;
        }

        var answer = await api.SendAsync(method, path, body: null, cancellationToken);
        run.Screen.Done($"{done} {answer["kid"]}.");
        if (run.Json)
        {
            run.Screen.Json(answer.Json!);
        }

        return ExitCode.Done;
    }

    private static string State(JsonObject key) =>
        string.Join(", ", States.Where(state => key[state] is JsonValue value && value.TryGetValue<bool>(out var holds) && holds));
}
