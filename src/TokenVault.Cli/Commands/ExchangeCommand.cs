using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Trial;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault exchange</c>: one exchange, with what a setup left behind.</summary>
internal static class ExchangeCommand
{
    private static readonly Option<string> Folder = new("--out") { Description = "The folder that tokenvault setup wrote", Required = true };
    private static readonly Option<string?> Connection = new("--connection") { Description = "The connection, if it is not the one of the environment file" };
    private static readonly Option<string?> User = new("--user") { Description = "For a privileged worker: the user's id" };
    private static readonly Option<string?> TokenFile = new("--token-file") { Description = "A file with the user's refresh or access token; standard input unless given" };
    private static readonly Option<bool> ShowToken = new("--show-token") { Description = "Print the provider's token as well" };

    public static Command Create() => new Command(
        "exchange",
        """
        Exchange once: a refresh token, an access token, or as a privileged worker. Which one it is, the environment file tells.

        Examples:
          tokenvault exchange --out tokenvault-my-app --token-file refresh-token.txt
          tokenvault exchange --out tokenvault-nightly-sync --user 'auth0|…'
        """)
    {
        Folder, Connection, User, TokenFile, ShowToken,
    }.Runs(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var folder = run.Get(Folder)!;
        var environment = new EnvironmentFile(folder);
        var issuer = environment[EnvironmentFile.Issuer]
            ?? throw new ToolException(ExitCode.Usage, $"{environment.Location} is not there, or not from tokenvault setup.");
        var authority = environment[EnvironmentFile.Authority] is { } path ? InputFile.Read(path, "authority") : run.AuthorityText();
        using var http = run.Connect(ServerAddress.Parse(issuer), authority);
        var connection = run.Get(Connection) ?? environment[EnvironmentFile.Connection]
            ?? throw new ToolException(ExitCode.Usage, "Missing: --connection");
        var answer = await AskAsync(run, environment, http, connection, cancellationToken);

        var shown = answer.Json!.DeepClone().AsObject();
        if (!run.Get(ShowToken))
        {
            shown = (JsonObject)Redactor.Json(shown);
        }

        if (run.Json || run.Get(ShowToken))
        {
            run.Screen.Json(shown);
            return ExitCode.Done;
        }

        run.Screen.Done($"A token of {connection}, good for {shown["expires_in"]} seconds.");
        run.Screen.Line($"Scopes: {answer["scope"]}");
        return ExitCode.Done;
    }

    private static Task<Answer> AskAsync(Invocation run, EnvironmentFile environment, VaultHttp http, string connection, CancellationToken cancellationToken)
    {
        if (environment[EnvironmentFile.SubjectKey] is not null)
        {
            var keys = WorkerKeys.Existing(Path.GetDirectoryName(environment.Location)!);
            var worker = new TrialClient(http, environment[EnvironmentFile.ClientId]!, environment[EnvironmentFile.ClientSecret], keys.Authentication);
            var user = run.Get(User) ?? throw new ToolException(ExitCode.Usage, "Missing: --user");
            var claims = new JsonObject { ["iss"] = worker.ClientId, ["sub"] = user, ["aud"] = http.Issuer, ["audit_context"] = "tokenvault exchange" };
            return worker.ExchangeAsync(keys.Subject.Sign("token-vault-req+jwt", claims), Wire.JwtType, connection, cancellationToken);
        }

        var token = run.Get(TokenFile) is { } file ? InputFile.ReadSecret(file, "user's token") : InputFile.ReadLine(run.Surroundings.In, "user's token");
        var byAccessToken = environment[EnvironmentFile.ApiClientId] is not null;
        var (id, secret) = byAccessToken
            ? (EnvironmentFile.ApiClientId, EnvironmentFile.ApiClientSecret)
            : (EnvironmentFile.ClientId, EnvironmentFile.ClientSecret);
        return new TrialClient(http, environment[id]!, environment[secret], key: null)
            .ExchangeAsync(token, byAccessToken ? Wire.AccessTokenType : Wire.RefreshTokenType, connection, cancellationToken);
    }
}
