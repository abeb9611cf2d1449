using System.Buffers.Text;
using System.Diagnostics;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Trial;

/// <summary>The whole thing once, with a real user: sign in, connect an account, exchange.</summary>
internal sealed class FirstExchange(ManagementApi api, SetupOutcome outcome, SetupAnswers answers, Screen screen, bool opensBrowser)
{
    private readonly string _connection = answers.AllConnections.First();

    /// <summary>Why it cannot be tried; null when it can.</summary>
    public static string? Obstacle(SetupOutcome outcome, SetupAnswers answers)
    {
        if (!answers.AllConnections.Any())
        {
            return "Without a connection there is nothing to try.";
        }

        if (!ApplicationPlan.SignsUsersIn(answers, Answer.Text(outcome.State.Application, "app_type")))
        {
            return "Nobody signs in at a worker: connect an account in another application, and run the printed command for that user.";
        }

        var byKey = answers.Flavor == Flavor.PrivilegedWorker && answers.Worker.AuthenticatesByKey;
        return byKey || outcome.Environment[EnvironmentFile.ClientSecret] is not null ? null
            : $"The application's secret is not known here: put it into {outcome.Environment.Location}, or use --rotate-secret.";
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var callback = LoopbackCallback.Listen();
        await ChangeCallbacksAsync(present => present.Append(callback.Address), cancellationToken);
        screen.Note($"{callback.Address} is a callback URL of the application until this is over.");
        try
        {
            await RunAsync(callback, cancellationToken);
        }
        finally
        {
            await ChangeCallbacksAsync(present => present.Where(url => url != callback.Address), CancellationToken.None);
        }
    }

    private async Task RunAsync(LoopbackCallback callback, CancellationToken cancellationToken)
    {
        var client = new TrialClient(api.Http, outcome.State.ApplicationId!, outcome.Environment[EnvironmentFile.ClientSecret], outcome.Keys?.Authentication);
        var tokens = await SignInAsync(client, callback, cancellationToken);
        screen.Done("Signed in.");
        var refreshToken = tokens["refresh_token"] ?? throw new ToolException(ExitCode.Failed, "The sign-in gave no refresh token: the API may not allow offline access.");
        await ConnectAsync(client, callback, refreshToken, cancellationToken);
        screen.Done($"Connected an account at {_connection}.");
        Show(await ExchangeAsync(client, tokens, refreshToken, cancellationToken));
    }

    private async Task<Answer> SignInAsync(TrialClient client, LoopbackCallback callback, CancellationToken cancellationToken)
    {
        var (pkce, state) = (Pkce.New(), Pkce.Unguessable());
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = client.ClientId,
            ["redirect_uri"] = callback.Address,
            ["scope"] = "openid profile offline_access",
            ["state"] = state,
            ["code_challenge"] = pkce.Challenge,
            ["code_challenge_method"] = "S256",
        };
        if (answers.Api is { } own)
        {
            parameters["audience"] = own.Identifier;
        }

        var query = string.Join('&', parameters.Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value)}"));
        Open("Sign in", $"{api.Issuer}authorize?{query}");
        var code = await callback.WaitAsync(state, "code", cancellationToken);
        return await client.AskAsync(
            "The sign-in",
            [new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", callback.Address), new("code_verifier", pkce.Verifier)],
            cancellationToken);
    }

    private async Task ConnectAsync(TrialClient client, LoopbackCallback callback, string refreshToken, CancellationToken cancellationToken)
    {
        var mine = await client.AskAsync(
            "The token for the My Account API",
            [
                new("grant_type", "refresh_token"), new("refresh_token", refreshToken), new("audience", outcome.State.MyAccountAudience),
                new("scope", string.Join(' ', Wire.AccountScopes)),
            ],
            cancellationToken);
        var (pkce, state) = (Pkce.New(), Pkce.Unguessable());
        var asked = await AccountAsync(mine["access_token"]!, "connect", new JsonObject
        {
            ["connection"] = _connection,
            ["redirect_uri"] = callback.Address,
            ["state"] = state,
            ["code_challenge"] = pkce.Challenge,
            ["code_challenge_method"] = "S256",
        }, cancellationToken);
        Open("Connect an account", $"{asked["connect_uri"]}?ticket={Uri.EscapeDataString(Answer.Text(asked.Json!["connect_params"], "ticket")!)}");
        var code = await callback.WaitAsync(state, "connect_code", cancellationToken);
        await AccountAsync(mine["access_token"]!, "complete", new JsonObject
        {
            ["auth_session"] = asked["auth_session"],
            ["connect_code"] = code,
            ["redirect_uri"] = callback.Address,
            ["code_verifier"] = pkce.Verifier,
        }, cancellationToken);
    }

    private Task<Answer> ExchangeAsync(TrialClient client, Answer tokens, string refreshToken, CancellationToken cancellationToken)
    {
        switch (answers.Flavor)
        {
            case Flavor.AccessTokenExchange when answers.Api is not null:
                var secret = outcome.Environment[EnvironmentFile.ApiClientSecret]
                    ?? throw new ToolException(ExitCode.Failed, $"The secret of the API's client is not known: put it into {outcome.Environment.Location}.");
                return new TrialClient(api.Http, outcome.Environment[EnvironmentFile.ApiClientId]!, secret, key: null)
                    .ExchangeAsync(tokens["access_token"]!, Wire.AccessTokenType, _connection, cancellationToken);
            case Flavor.PrivilegedWorker:
                var claims = new JsonObject
                {
                    ["iss"] = client.ClientId,
                    ["sub"] = Subject(tokens["id_token"]!),
                    ["aud"] = api.Issuer,
                    ["audit_context"] = "tokenvault setup --try",
                };
                return client.ExchangeAsync(outcome.Keys!.Subject.Sign("token-vault-req+jwt", claims), Wire.JwtType, _connection, cancellationToken);
            default:
                return client.ExchangeAsync(refreshToken, Wire.RefreshTokenType, _connection, cancellationToken);
        }
    }

    /// <summary>The token itself stays here: the trial shows that it was given, not what it is.</summary>
    private void Show(Answer answer)
    {
        screen.Done($"Exchanged: a token of {_connection}, {answer["access_token"]!.Length} characters long, good for {answer.Json!["expires_in"]} seconds.");
        screen.Line($"Scopes: {answer["scope"]}");
    }

    private async Task<Answer> AccountAsync(string token, string act, JsonObject body, CancellationToken cancellationToken)
    {
        var answer = await api.Http.JsonAsync(HttpMethod.Post, "me/v1/connected-accounts/" + act, token, body, cancellationToken);
        return answer.Succeeded ? answer : throw new ToolException(ExitCode.Failed, $"Connecting the account failed: {answer.Status} {answer["title"]} {answer["detail"]}");
    }

    /// <summary>As they are now: a trial takes a person's time, in which others may change them.</summary>
    private async Task ChangeCallbacksAsync(Func<IReadOnlyList<string>, IEnumerable<string>> change, CancellationToken cancellationToken)
    {
        var path = "clients/" + outcome.State.ApplicationId;
        var present = Wire.Texts((await api.GetAsync(path, cancellationToken))["callbacks"]);
        await api.SendAsync(HttpMethod.Patch, path, new JsonObject { ["callbacks"] = Wire.Array(change(present)) }, cancellationToken);
    }

    private void Open(string what, string url)
    {
        screen.Line($"{what} in your browser:");
        screen.Raw(PlainText.Of(url));
        if (!opensBrowser || !url.StartsWith(api.Issuer, StringComparison.Ordinal))
        {
            return;
        }

        try
        {
            using var browser = Process.Start(new ProcessStartInfo(url) { UseShellExecute = true });
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException or PlatformNotSupportedException)
        {
            // There is none to open; the address is printed.
        }
    }

    /// <summary>Fresh from the token endpoint over TLS, so that its signature need not be checked (OpenID Connect Core §3.1.3.7).</summary>
    private static string Subject(string idToken) =>
        (string)JsonNode.Parse(Base64Url.DecodeFromChars(idToken.Split('.')[1]))!["sub"]!;
}
