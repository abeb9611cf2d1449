using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth;
using TokenVault.Server.OAuth.TokenExchange;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>Beside the vault's own API one that it calls, <see cref="Events"/>, with a scope of the same name and one of its own.</summary>
public class DelegationScene : VaultScene
{
    internal const string Events = "https://events-api.example/";
    internal const string ReadCalendar = "read:calendar";

    /// <summary>The client of <see cref="Events"/>.</summary>
    internal Application EventsClient { get; private set; } = null!;

    /// <summary>What an action says of foreign tokens; by the action's id.</summary>
    internal Dictionary<string, Func<TokenRequest, Outcome<DecidedSubject>>> Actions { get; } = [];

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await MayExchangeAsync(ApiClient);
        EventsClient = await NewApiAsync(Events);
    }

    private protected override void AddServices(IServiceCollection services) =>
        services.AddSingleton<ProfileDecision>((profile, request, _) => ValueTask.FromResult<Outcome<DecidedSubject>?>(
            Actions.TryGetValue(profile.ActionId, out var decide) ? decide(request) : (Outcome<DecidedSubject>?)null));

    /// <summary>An API with <c>read:calendar</c> and <c>write:events</c>, and its client.</summary>
    internal async Task<Application> NewApiAsync(string identifier, JsonObject? more = null)
    {
        var admin = await AdminAsync();
        var body = new JsonObject
        {
            ["identifier"] = identifier,
            ["name"] = "Events API",
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = ReadCalendar }, new JsonObject { ["value"] = "write:events" }),
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        await admin.CreateAsync("resource-servers", body);
        return new Application(Vault.Api, Credentials.Of(await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Events API client",
            ["app_type"] = "resource_server",
            ["resource_server_identifier"] = identifier,
            ["grant_types"] = new JsonArray(Wire.TokenExchange, Wire.FederatedExchange),
        })));
    }

    internal async Task MayExchangeAsync(Application client, JsonObject? tokenExchange = null)
    {
        var admin = await AdminAsync();
        var path = "clients/" + client.Credentials.ClientId;
        var types = (await admin.GetAsync(path)).Json["grant_types"]!.AsArray().Select(type => (string)type!).Append(Wire.TokenExchange).Append(Wire.ClientCredentials).Distinct();
        var body = new JsonObject { ["grant_types"] = new JsonArray([.. types.Select(type => (JsonNode)type)]) };
        if (tokenExchange is not null)
        {
            body["token_exchange"] = tokenExchange;
        }

        (await admin.PatchAsync(path, body)).Status.ShouldBe(200);
    }

    internal static JsonObject Impersonation() => new() { ["allow_impersonation"] = true };

    /// <summary>An application of its own, which may exchange tokens, and its user.</summary>
    internal async Task<(Application App, TestUser User)> NewAppAsync(JsonObject? tokenExchange = null)
    {
        var app = new Application(Vault.Api, await (await AdminAsync()).CreateApplicationAsync("An agent"));
        await MayExchangeAsync(app, tokenExchange);
        return (app, await NewUserAsync(app));
    }

    internal static Task<Answer> ExchangeAsync(Application client, string subjectToken, string audience = Events, JsonObject? more = null)
    {
        var body = new JsonObject
        {
            ["grant_type"] = Wire.TokenExchange,
            ["subject_token"] = subjectToken,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["requested_token_type"] = Wire.AccessTokenType,
            ["audience"] = audience,
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        return client.TokenAsync(body);
    }

    /// <summary>The application's token for itself: what an agent shows as its actor token.</summary>
    internal async Task<string> OwnTokenAsync(Application client)
    {
        var admin = await AdminAsync();
        var grant = new JsonObject { ["client_id"] = client.Credentials.ClientId, ["audience"] = Api, ["scope"] = new JsonArray(ReadCalendar) };
        (await admin.PostAsync("client-grants", grant)).Status.ShouldBeOneOf(201, 409);
        var answer = await client.TokenAsync(new JsonObject { ["grant_type"] = Wire.ClientCredentials, ["audience"] = Api });
        answer.Status.ShouldBe(200, answer.Text);
        return answer["access_token"]!;
    }

    internal static JsonObject Actor(string token, string type = Wire.AccessTokenType) => new() { ["actor_token"] = token, ["actor_token_type"] = type };

    /// <summary>A token of the server's with other claims, as an action may have put them there.</summary>
    internal string Resign(string token, Action<JsonObject> change, string type = "JWT")
    {
        var claims = Answers.Claims(token);
        change(claims);
        return Vault.Service<SigningKeys>().Current("RS256").Sign(type, Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    /// <summary>A chain of actors: the last one first.</summary>
    internal static JsonObject Chain(params IEnumerable<string> actors)
    {
        JsonObject? chain = null;
        foreach (var actor in actors.Reverse())
        {
            var next = new JsonObject { ["sub"] = actor };
            if (chain is not null)
            {
                next["act"] = chain;
            }

            chain = next;
        }

        return chain!;
    }

    /// <summary>The subjects of a token's chain of actors.</summary>
    internal static List<string> ActorsOf(string? token)
    {
        var actors = new List<string>();
        for (var act = Answers.Claims(token)["act"]; act is not null; act = act["act"])
        {
            actors.Add((string)act["sub"]!);
        }

        return actors;
    }

    internal static long Now(TimeProvider clock) => clock.GetUtcNow().ToUnixTimeSeconds();
}

internal static class DelegationAnswers
{
    /// <summary>RFC 8693 §2.2.1: an access token and its type, and no token beside it.</summary>
    public static JsonObject ShouldBeExchanged(this Answer answer, string type = Wire.AccessTokenType)
    {
        answer.ShouldBeGranted();
        answer["issued_token_type"].ShouldBe(type);
        answer["refresh_token"].ShouldBeNull();
        answer["id_token"].ShouldBeNull();
        return Answers.Claims(answer["access_token"]);
    }
}
