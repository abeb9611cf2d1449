using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>The application's own API, and the client by which it exchanges access tokens: linked, which is what makes it that API's.</summary>
internal static class ApiPlan
{
    public static IEnumerable<Change> OfApi(ServerState state, SetupAnswers answers) =>
        answers.Api is not { } api || state.Api is not null ? [] :
        [
            new Change($"Create the API {api.Identifier}", HttpMethod.Post, "resource-servers", new JsonObject
            {
                ["identifier"] = api.Identifier,
                ["name"] = api.Identifier,
                ["signing_alg"] = "RS256",
                ["allow_offline_access"] = true,
            }),
        ];

    public static IEnumerable<Change> OfClient(ServerState state, SetupAnswers answers)
    {
        if (answers.Api is not { } api)
        {
            return [];
        }

        if (state.ApiClient is not { } current)
        {
            return
            [
                new Change($"Create the client of the API, {api.ClientName}", HttpMethod.Post, "clients", new JsonObject
                {
                    ["name"] = api.ClientName,
                    ["app_type"] = "resource_server",
                    ["resource_server_identifier"] = api.Identifier,
                    ["is_first_party"] = true,
                    ["oidc_conformant"] = true,
                    ["grant_types"] = Wire.Array([Wire.Exchange]),
                })
                {
                    Produces = Change.ApiClient,
                },
            ];
        }

        var members = new MemberChanges(current);
        members.Set("app_type", "resource_server");
        members.Set("resource_server_identifier", api.Identifier);
        members.Set("is_first_party", true, weakens: "users are not asked for their consent to a first-party application");
        members.Set("oidc_conformant", true);
        members.Add("grant_types", [Wire.Exchange]);
        return members.Patch($"Link the client {Answer.Text(current, "name")} to the API {api.Identifier}", "clients/" + Answer.Text(current, "client_id"));
    }
}
