using System.CommandLine;
using TokenVault.Cli.Resources;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault apps</c>: the applications.</summary>
internal static class AppsCommand
{
    private static readonly Argument<string> Id = new("id") { Description = "The client id" };

    private static readonly Resource Applications = new()
    {
        Name = "apps",
        Noun = "application",
        Collection = "clients",
        Member = "clients",
        IdMember = "client_id",
        Example = "--name 'My app' --type regular_web --callback-urls https://app.example/callback --secret-file my-app.secret",
        DeletionNote = "what its users allowed it, and its tokens, go as well",
        Columns =
        [
            Column.Of("Client id", "client_id"), Column.Of("Name", "name"), Column.Of("Type", "app_type"),
            Column.YesNo("Exchanges", item => Wire.Texts(item["grant_types"]).Contains(Wire.Exchange)),
        ],
        Fields =
        [
            Field.Text("--name", "name", "Its name"),
            Field.Text("--description", "description", "What it is for"),
            Field.Text("--type", "app_type", "regular_web, non_interactive, native, spa or resource_server"),
            Field.List("--callback-urls", "callbacks", "Allowed callback URLs"),
            Field.List("--logout-urls", "allowed_logout_urls", "Allowed logout URLs"),
            Field.List("--grant-types", "grant_types", "The grants that it may use"),
            Field.Flag("--first-party", "is_first_party", "Whether it is the operator's own"),
        ],
    };

    public static Command Create()
    {
        var command = Applications.ToCommand();
        command.Subcommands.Add(new Command(
            "rotate-secret",
            """
            Replace an application's secret. The old one stops working at once. It asks first.

            Examples:
              tokenvault apps rotate-secret ID --secret-file my-app.secret
            """)
        {
            Id, SecretOutput.File, Confirmation.Yes,
        }.Runs(RotateAsync));
        return command;
    }

    private static async Task<int> RotateAsync(Invocation run, CancellationToken cancellationToken)
    {
        var id = run.Get(Id)!;
        if (run.Get(SecretOutput.File) is null)
        {
            throw new ToolException(ExitCode.Usage, "Missing: --secret-file", "The new secret is shown nowhere else.");
        }

        using var secret = SecretOutput.Of(run);
        using var api = await run.OpenAsync(cancellationToken);
        if (!Confirmation.Given(run, $"Replace the secret of {id}? Whatever uses the old one stops working."))
        {
            return ExitCode.Failed;
        }

        var answer = await api.SendAsync(HttpMethod.Post, $"clients/{Uri.EscapeDataString(id)}/rotate-secret", body: null, CancellationToken.None);
        secret.Keep(answer.Json!);
        return ExitCode.Done;
    }
}
