// Load {{env}} into the environment first{{dotnet_ca}}.
using System.Text.Json.Nodes;

static string Env(string name) => Environment.GetEnvironmentVariable(name)!;
using var http = new HttpClient { BaseAddress = new Uri(Env("TOKEN_VAULT_ISSUER")) };
using var response = await http.PostAsync("oauth/token", new FormUrlEncodedContent(new Dictionary<string, string>
{
    ["grant_type"] = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    ["subject_token"] = Env("{{TOKEN}}"),
    ["subject_token_type"] = "{{token_type}}",
    ["requested_token_type"] = "http://auth0.com/oauth/token-type/federated-connection-access-token",
    ["connection"] = Env("TOKEN_VAULT_CONNECTION"),
    ["client_id"] = Env("{{ID}}"),
    ["client_secret"] = Env("{{SECRET}}"),
}));
var token = JsonNode.Parse(await response.Content.ReadAsStringAsync());
Console.WriteLine($"{token!["scope"] ?? token["error"]} {token["expires_in"]}");
