using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A client with privileged access: it authenticates by one key, and signs its subject tokens with another.</summary>
internal sealed record Worker(WorkerScene Scene, string ClientId, WorkerKey Authentication, WorkerKey Subjects)
{
    private DateTimeOffset Now => Scene.Clock.GetUtcNow();

    public string Assertion(Action<JsonObject>? change = null, Action<JsonObject>? header = null) => Authentication.Sign(
        With(new JsonObject { ["alg"] = Authentication.Alg, ["typ"] = "JWT" }, header),
        With(new JsonObject
        {
            ["iss"] = ClientId,
            ["sub"] = ClientId,
            ["aud"] = Scene.Vault.Issuer,
            ["jti"] = Identifier.Secret(),
            ["iat"] = Now.ToUnixTimeSeconds(),
            ["exp"] = Now.AddMinutes(1).ToUnixTimeSeconds(),
        }, change));

    public string SubjectToken(string userId, Action<JsonObject>? change = null, Action<JsonObject>? header = null) => Subjects.Sign(
        With(new JsonObject { ["alg"] = Subjects.Alg, ["typ"] = "token-vault-req+jwt" }, header),
        With(new JsonObject
        {
            ["iss"] = ClientId,
            ["sub"] = userId,
            ["aud"] = Scene.Vault.Issuer,
            ["jti"] = Identifier.Secret(),
            ["audit_context"] = "Nightly synchronisation",
            ["iat"] = Now.ToUnixTimeSeconds(),
            ["nbf"] = Now.ToUnixTimeSeconds(),
            ["exp"] = Now.AddSeconds(1000).ToUnixTimeSeconds(),
        }, change));

    public Dictionary<string, string> Request(string subjectToken, params (string Name, string? Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["client_id"] = ClientId,
            ["client_assertion_type"] = Wire.JwtBearerAssertion,
            ["client_assertion"] = Assertion(),
            ["subject_token"] = subjectToken,
            ["subject_token_type"] = Wire.JwtType,
            ["requested_token_type"] = Wire.VaultAccessTokenType,
            ["connection"] = Vault.VaultScene.Calendar,
        };
        foreach (var (name, value) in changes)
        {
            form.Remove(name);
            if (value is not null)
            {
                form[name] = value;
            }
        }

        return form;
    }

    public Task<Answer> ExchangeAsync(string userId, params (string Name, string? Value)[] changes) => SendAsync(SubjectToken(userId), changes);

    public Task<Answer> SendAsync(string subjectToken, params (string Name, string? Value)[] changes) =>
        Scene.Vault.Api.FormAsync("oauth/token", Request(subjectToken, changes));

    private static JsonObject With(JsonObject json, Action<JsonObject>? change)
    {
        change?.Invoke(json);
        return json;
    }
}
