using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>The application itself: its grants, its refresh tokens, and a worker's keys and bounds.</summary>
internal static class ApplicationPlan
{
    private const string RefreshToken = "refresh_token";

    public static IEnumerable<Change> Of(ServerState state, SetupAnswers answers, WorkerKeys? keys)
    {
        if (state.Application is not { } current)
        {
            return [New(state, answers, keys)];
        }

        var type = Answer.Text(current, "app_type");
        if (type is not ("regular_web" or "non_interactive"))
        {
            throw new ToolException(
                ExitCode.Usage, $"An application of the type {type} cannot be set up: it cannot keep a secret, or stands for an API.",
                "Token Vault needs a confidential client: choose a regular web or machine-to-machine application.");
        }

        var members = new MemberChanges(current);
        members.Set("is_first_party", true, weakens: "users are not asked for their consent to a first-party application");
        members.Set("oidc_conformant", true);
        members.Add("grant_types", GrantTypes(SignsUsersIn(answers, type)));
        members.Add("callbacks", answers.Callbacks);
        members.Add("allowed_logout_urls", answers.LogoutUrls);
        if (Answer.Text(current, "token_endpoint_auth_method") == "none" && !(keys is not null && answers.Worker.AuthenticatesByKey))
        {
            members.Set("token_endpoint_auth_method", "client_secret_post", note: "it has to authenticate from now on");
        }

        if (SignsUsersIn(answers, type))
        {
            SetRefreshTokens(members, current, state.MyAccountAudience);
        }

        if (keys is not null)
        {
            WorkerPlan.Set(members, current, state.Credentials, answers.Worker, keys);
        }

        var path = "clients/" + state.ApplicationId;
        return answers.RotateSecret
            ? [.. members.Patch("Configure the application " + Answer.Text(current, "name"), path), Rotation(path)]
            : members.Patch("Configure the application " + Answer.Text(current, "name"), path);
    }

    /// <summary>A worker that nobody signs in at needs nothing for users.</summary>
    public static bool SignsUsersIn(SetupAnswers answers, string? type) =>
        answers.Flavor != Flavor.PrivilegedWorker || type != "non_interactive" || answers.Callbacks.Count > 0;

    private static Change New(ServerState state, SetupAnswers answers, WorkerKeys? keys)
    {
        var signsUsersIn = SignsUsersIn(answers, answers.ApplicationType);
        var body = new JsonObject
        {
            ["name"] = answers.ApplicationName,
            ["app_type"] = answers.ApplicationType,
            ["is_first_party"] = true,
            ["oidc_conformant"] = true,
            ["callbacks"] = Wire.Array(answers.Callbacks),
            ["allowed_logout_urls"] = Wire.Array(answers.LogoutUrls),
            ["grant_types"] = Wire.Array(GrantTypes(signsUsersIn)),
        };
        if (signsUsersIn)
        {
            body[RefreshToken] = new JsonObject { ["rotation_type"] = "non-rotating", ["policies"] = new JsonArray(Policy(state.MyAccountAudience, Wire.AccountScopes)) };
        }

        if (keys is not null)
        {
            WorkerPlan.SetNew(body, answers.Worker, keys);
        }

        return new Change($"Create the application {answers.ApplicationName}", HttpMethod.Post, "clients", body) { Produces = Change.Application };
    }

    private static Change Rotation(string path) => new("Replace the application's secret", HttpMethod.Post, path + "/rotate-secret", new JsonObject())
    {
        Produces = Change.Application,
        Note = "whatever uses the old one stops working",
    };

    private static IEnumerable<string> GrantTypes(bool signsUsersIn) =>
        signsUsersIn ? ["authorization_code", RefreshToken, Wire.Exchange] : [Wire.Exchange];

    /// <summary>Sent whole: what a body leaves out of it falls back to its default.</summary>
    private static void SetRefreshTokens(MemberChanges members, JsonObject current, string audience)
    {
        var wanted = current[RefreshToken]?.DeepClone().AsObject() ?? [];
        var rotates = Answer.Text(wanted, "rotation_type") == "rotating";
        wanted["rotation_type"] = "non-rotating";
        var policies = wanted["policies"] as JsonArray ?? [];
        var mine = policies.OfType<JsonObject>().FirstOrDefault(policy => Answer.Text(policy, "audience") == audience);
        if (mine is null)
        {
            policies.Add((JsonNode)Policy(audience, Wire.AccountScopes));
        }
        else if (Wire.AccountScopes.Except(Wire.Texts(mine["scope"])).Any())
        {
            mine["scope"] = Wire.Array(Wire.Texts(mine["scope"]).Union(Wire.AccountScopes));
        }

        if (wanted["policies"] is null)
        {
            wanted["policies"] = policies;
        }

        members.Set(RefreshToken, wanted, rotates ? "refresh tokens stop rotating, because one that rotates cannot be exchanged twice" : null);
    }

    private static JsonObject Policy(string audience, IEnumerable<string> scopes) => new() { ["audience"] = audience, ["scope"] = Wire.Array(scopes) };
}
