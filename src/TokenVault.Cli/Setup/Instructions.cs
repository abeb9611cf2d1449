using System.Text.RegularExpressions;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>What to do with a finished setup: commands and code that run as they are printed, with the secrets in the environment file.</summary>
internal sealed partial class Instructions
{
    private readonly SetupOutcome _outcome;
    private readonly SetupAnswers _answers;
    private readonly Dictionary<string, string> _values;

    public Instructions(SetupOutcome outcome, SetupAnswers answers)
    {
        _outcome = outcome;
        _answers = answers;
        _values = Common(outcome);
        foreach (var (name, value) in answers.Flavor switch
        {
            Flavor.AccessTokenExchange => OfAccessTokens(outcome),
            Flavor.PrivilegedWorker => OfWorker(answers.Worker.AuthenticatesByKey),
            _ => OfRefreshTokens(outcome),
        })
        {
            _values[name] = value;
        }
    }

    public void Show(Screen screen)
    {
        screen.Title(Flavors.Title(_answers.Flavor));
        screen.Line($"Application: {Answer.Text(_outcome.State.Application, "name")}, client id {_outcome.State.ApplicationId}");
        foreach (var name in _answers.AllConnections)
        {
            screen.Line($"Connection {name}: register the redirect URI {Answer.Text(_outcome.State.Connection(name), "callback_url")} at the provider");
        }

        screen.Line($"Environment file, for you alone: {Path.GetFullPath(_outcome.Environment.Location)}");
        ShowMissing(screen);
        foreach (var (title, text) in Samples())
        {
            screen.Title(title);
            screen.Raw(text.TrimEnd());
        }
    }

    /// <summary>Each with its title, in the order in which they are printed.</summary>
    public IEnumerable<(string Title, string Text)> Samples()
    {
        var worker = _answers.Flavor == Flavor.PrivilegedWorker;
        if (_answers.Flavor == Flavor.ConnectedAccounts)
        {
            yield return ("A user's connected accounts (curl)", Filled("connect.sh"));
        }

        yield return ("The exchange (curl)", Filled(worker ? "worker.sh" : "exchange.sh"));
        yield return (".NET", Filled(worker ? "worker.cs" : "exchange.cs"));
        yield return ("Node.js", Filled(worker ? "worker.mjs" : "exchange.mjs"));
        yield return ("Python", Filled(worker ? "worker.py" : "exchange.py"));
    }

    private void ShowMissing(Screen screen)
    {
        if (_answers.Flavor == Flavor.AccessTokenExchange && _answers.Api is null)
        {
            screen.Warning("Access tokens are exchanged by the client of the API: run setup again with --create-api-client and --api-identifier.");
        }

        if (_values["SECRET"].Length > 0 && _outcome.Environment[_values["SECRET"]] is null)
        {
            screen.Warning($"{_values["SECRET"]} is empty: secrets are shown once, and this client was there before. Put it into the file, or run setup again with --rotate-secret.");
        }
    }

    private static Dictionary<string, string> Common(SetupOutcome outcome)
    {
        var certified = outcome.Authority is not null;
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["env"] = ShellText.Quoted(Path.GetFullPath(outcome.Environment.Location)),
            ["issuer"] = outcome.State.Issuer,
            ["connection"] = Literal(outcome.Environment[EnvironmentFile.Connection], EnvironmentFile.Connection),
            ["cacert"] = certified ? $"--cacert \"${EnvironmentFile.Authority}\" " : "",
            ["node_ca"] = certified ? "(and NODE_EXTRA_CA_CERTS set to TOKEN_VAULT_CA)" : "",
            ["python_ca"] = certified ? ", and set SSL_CERT_FILE to TOKEN_VAULT_CA" : "",
            ["dotnet_ca"] = certified ? ", and set SSL_CERT_FILE to TOKEN_VAULT_CA" : "",
        };
    }

    private static Dictionary<string, string> OfRefreshTokens(SetupOutcome outcome) => new()
    {
        ["ID"] = EnvironmentFile.ClientId,
        ["SECRET"] = EnvironmentFile.ClientSecret,
        ["client_id"] = Literal(outcome.State.ApplicationId, EnvironmentFile.ClientId),
        ["TOKEN"] = "REFRESH_TOKEN",
        ["token_type"] = Wire.RefreshTokenType,
        ["token_description"] = "of a user who signed in with the scopes openid offline_access",
        ["node_member"] = "refreshToken",
    };

    private static Dictionary<string, string> OfAccessTokens(SetupOutcome outcome) => new()
    {
        ["ID"] = EnvironmentFile.ApiClientId,
        ["SECRET"] = EnvironmentFile.ApiClientSecret,
        ["client_id"] = Literal(outcome.Environment[EnvironmentFile.ApiClientId], EnvironmentFile.ApiClientId),
        ["TOKEN"] = "ACCESS_TOKEN",
        ["token_type"] = Wire.AccessTokenType,
        ["token_description"] = "of a user who signed in for the audience of the API",
        ["node_member"] = "accessToken",
    };

    private Dictionary<string, string> OfWorker(bool byKey) => new()
    {
        ["ID"] = EnvironmentFile.ClientId,
        ["SECRET"] = byKey ? "" : EnvironmentFile.ClientSecret,
        ["client_id"] = Literal(_outcome.State.ApplicationId, EnvironmentFile.ClientId),
        ["authentication"] = byKey ? """ASSERTION=$(sign JWT "$(claims "$TOKEN_VAULT_CLIENT_ID" '')" "$TOKEN_VAULT_AUTHENTICATION_KEY")""" : "",
        ["proof"] = byKey ? $"\"client_assertion_type\": \"{Wire.JwtBearer}\",\n  \"client_assertion\": \"$ASSERTION\"" : "\"client_secret\": \"$TOKEN_VAULT_CLIENT_SECRET\"",
        ["node_proof"] = byKey
            ? $"client_assertion_type: '{Wire.JwtBearer}',\n    client_assertion: jwt('JWT', {{ sub: id }}, env.TOKEN_VAULT_AUTHENTICATION_KEY),"
            : "client_secret: env.TOKEN_VAULT_CLIENT_SECRET,",
        ["python_proof"] = byKey
            ? $"\"client_assertion_type\": \"{Wire.JwtBearer}\",\n    \"client_assertion\": signed(\"JWT\", env[\"TOKEN_VAULT_AUTHENTICATION_KEY\"], sub=env[\"TOKEN_VAULT_CLIENT_ID\"]),"
            : "\"client_secret\": env[\"TOKEN_VAULT_CLIENT_SECRET\"],",
        ["dotnet_proof"] = byKey
            ? $"[\"client_assertion_type\"] = \"{Wire.JwtBearer}\",\n    [\"client_assertion\"] = Jwt(\"JWT\", Env(\"TOKEN_VAULT_AUTHENTICATION_KEY\"), new JsonObject {{ [\"sub\"] = Env(\"TOKEN_VAULT_CLIENT_ID\") }}),"
            : "[\"client_secret\"] = Env(\"TOKEN_VAULT_CLIENT_SECRET\"),",
    };

    /// <summary>The value itself where it means nothing to a shell; otherwise the variable that holds it (T-CL-03).</summary>
    private static string Literal(string? value, string variable) => value is not null && Harmless().IsMatch(value) ? value : "$" + variable;

    private string Filled(string template)
    {
        using var stream = typeof(Instructions).Assembly.GetManifestResourceStream("templates/" + template)!;
        using var reader = new StreamReader(stream);
        return Placeholder().Replace(reader.ReadToEnd(), match => _values.GetValueOrDefault(match.Groups[1].Value, ""));
    }

    [GeneratedRegex(@"\{\{(\w+)\}\}", RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^[A-Za-z0-9_.-]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex Harmless();
}
