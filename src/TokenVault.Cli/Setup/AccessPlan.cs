using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>What the application may call for its users: the My Account API, by which they connect accounts, and the application's own API.</summary>
internal static class AccessPlan
{
    private const string Policies = "subject_type_authorization";
    private const string ByGrant = "require_client_grant";

    public static IEnumerable<Change> Of(ServerState state, SetupAnswers answers)
    {
        var type = state.Application is { } application ? Answer.Text(application, "app_type") : answers.ApplicationType;
        if (ApplicationPlan.SignsUsersIn(answers, type))
        {
            foreach (var change in MyAccount(state).Concat(Grant(state, state.MyAccountAudience, Wire.AccountScopes)))
            {
                yield return change;
            }
        }

        if (answers.Api is { } api && UserPolicy(state.Api) == ByGrant)
        {
            foreach (var change in Grant(state, api.Identifier, []))
            {
                yield return change with { Note = "without scopes: add those that the application needs" };
            }
        }
    }

    private static IEnumerable<Change> MyAccount(ServerState state)
    {
        var policy = UserPolicy(state.MyAccount);
        if (policy == ByGrant)
        {
            return [];
        }

        return
        [
            new Change(
                "Let granted applications use the My Account API for their users", HttpMethod.Patch, "resource-servers/" + Answer.Text(state.MyAccount, "id"),
                new JsonObject { [Policies] = new JsonObject { ["user"] = new JsonObject { ["policy"] = ByGrant } } })
            {
                Before = new JsonObject { [Policies] = state.MyAccount[Policies]?.DeepClone() },
                Weakens = policy == "deny_all" ? "users' tokens for the My Account API were denied to every application" : null,
                Note = policy == "allow_all" ? "other applications need a grant of their own from now on" : null,
            },
        ];
    }

    private static IEnumerable<Change> Grant(ServerState state, string audience, IReadOnlyList<string> scopes)
    {
        var grant = state.Grants.FirstOrDefault(grant => Answer.Text(grant, "audience") == audience);
        if (grant is null)
        {
            return
            [
                new Change($"Grant the application {audience}", HttpMethod.Post, "client-grants", new JsonObject
                {
                    ["client_id"] = state.ApplicationId ?? Change.Application,
                    ["audience"] = audience,
                    ["scope"] = Wire.Array(scopes),
                    ["subject_type"] = "user",
                }),
            ];
        }

        var members = new MemberChanges(grant);
        members.Add("scope", scopes);
        return members.Patch($"Extend the application's grant of {audience}", "client-grants/" + Answer.Text(grant, "id"));
    }

    private static string? UserPolicy(JsonObject? api) => Answer.Text(api?[Policies]?["user"], "policy");
}
