using System.Text.Json;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Accounts;

/// <summary>The body of <c>POST /me/v1/connected-accounts/connect</c>, valid as far as it can be judged by itself.</summary>
internal sealed record ConnectBody(string Connection, string RedirectUri)
{
    /// <summary>What an application may hand through to the provider. Everything else in <c>authorization_params</c> is ignored: SDKs send what their own URL held.</summary>
    private static readonly string[] ForwardedParameters =
        ["acr_values", "audience", "resource", "display", "id_token_hint", "login_hint", "max_age", "prompt", "ui_locales"];

    public string? State { get; init; }

    /// <summary>Set where the browser comes back to a page of this server: no callback of the client's.</summary>
    public bool ReturnsHere { get; init; }

    public string? CodeChallenge { get; init; }

    /// <summary>Null: as the connection is configured.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>Asked for beside these (<c>connection_scope</c>).</summary>
    public IReadOnlyList<string> FurtherScopes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    public static MyAccountProblem? Read(JsonElement body, out ConnectBody? read)
    {
        read = null;
        if (Text(body, "connection", 1, 128, out var connection) is { } badConnection)
        {
            return badConnection;
        }

        if (Text(body, "redirect_uri", 1, 2048, out var redirectUri) is { } badUri)
        {
            return badUri;
        }

        if (OptionalText(body, "state", 4096, out var state) is { } badState)
        {
            return badState;
        }

        if (Challenge(body, out var challenge) is { } badChallenge)
        {
            return badChallenge;
        }

        if (ReadScopes(body, out var scopes) is { } badScopes)
        {
            return badScopes;
        }

        if (ReadParameters(body, out var parameters) is { } badParameters)
        {
            return badParameters;
        }

        if (ReadConnectionScope(body, out var further) is { } badScope)
        {
            return badScope;
        }

        read = new ConnectBody(connection!, redirectUri!)
        {
            State = state,
            CodeChallenge = challenge,
            Scopes = scopes,
            FurtherScopes = further,
            Parameters = parameters,
        };
        return null;
    }

    public static MyAccountProblem? Text(JsonElement body, string name, int shortest, int longest, out string? text)
    {
        if (OptionalText(body, name, longest, out text) is { } problem)
        {
            return problem;
        }

        return text is null || text.Length < shortest ? MyAccountProblem.Invalid($"{name} is required.", name) : null;
    }

    public static MyAccountProblem? OptionalText(JsonElement body, string name, int longest, out string? text)
    {
        text = null;
        if (!body.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (member.ValueKind != JsonValueKind.String)
        {
            return MyAccountProblem.Invalid($"{name} must be a string.", name);
        }

        text = member.GetString()!;
        return text.Length > longest || text.Any(char.IsControl)
            ? MyAccountProblem.Invalid($"{name} must have at most {longest} characters, none of them control characters.", name)
            : null;
    }

    /// <summary>Both or neither, and S256 only (RFC 7636, T-CF-04).</summary>
    private static MyAccountProblem? Challenge(JsonElement body, out string? challenge)
    {
        var bad = OptionalText(body, "code_challenge", 128, out challenge) ?? OptionalText(body, "code_challenge_method", 16, out _);
        if (bad is not null)
        {
            return bad;
        }

        OptionalText(body, "code_challenge_method", 16, out var method);
        if (challenge is null && method is null)
        {
            return null;
        }

        return challenge is null || method != "S256" || !Pkce.IsChallenge(challenge)
            ? MyAccountProblem.Invalid("code_challenge must be 43 base64url characters and come with code_challenge_method S256.", "code_challenge")
            : null;
    }

    private static MyAccountProblem? ReadScopes(JsonElement body, out IReadOnlyList<string>? scopes)
    {
        scopes = null;
        if (!body.TryGetProperty("scopes", out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (member.ValueKind != JsonValueKind.Array
            || member.GetArrayLength() is < 1 or > 100
            || member.EnumerateArray().Any(scope => scope.ValueKind != JsonValueKind.String || !Scope.IsToken(scope.GetString()!)))
        {
            return MyAccountProblem.Invalid("scopes must be an array of 1 to 100 scope tokens.", "scopes");
        }

        string[] list = [.. member.EnumerateArray().Select(scope => scope.GetString()!)];
        scopes = list;
        return list.Distinct(StringComparer.Ordinal).Count() == list.Length ? null : MyAccountProblem.Invalid("scopes must not repeat one.", "scopes");
    }

    /// <summary>Applications that used to put it into /authorize put it into authorization_params: a list with commas or spaces.</summary>
    private static MyAccountProblem? ReadConnectionScope(JsonElement body, out IReadOnlyList<string> scopes)
    {
        scopes = [];
        if (!body.TryGetProperty("authorization_params", out var member) || member.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (OptionalText(member, "connection_scope", 4096, out var text) is { } problem)
        {
            return problem with { Field = "authorization_params/connection_scope" };
        }

        scopes = Scope.ParseLenient(text);
        return scopes.Count <= 100 && scopes.All(Scope.IsToken)
            ? null
            : MyAccountProblem.Invalid("connection_scope must be a list of up to 100 scope tokens.", "authorization_params/connection_scope");
    }

    private static MyAccountProblem? ReadParameters(JsonElement body, out Dictionary<string, string> parameters)
    {
        parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!body.TryGetProperty("authorization_params", out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (member.ValueKind != JsonValueKind.Object)
        {
            return MyAccountProblem.Invalid("authorization_params must be an object.", "authorization_params");
        }

        foreach (var name in ForwardedParameters)
        {
            if (OptionalText(member, name, 2048, out var value) is { } problem)
            {
                return problem with { Field = "authorization_params/" + name };
            }

            if (value is not null)
            {
                parameters[name] = value;
            }
        }

        return null;
    }
}
