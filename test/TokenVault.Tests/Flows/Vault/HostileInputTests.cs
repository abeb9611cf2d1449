using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Every endpoint that the server has, found by asking it, against everything that a body or a query should not be.</summary>
public sealed class HostileInputTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private static readonly string[] Members =
    [
        "acr_values", "addOns", "allowed_logout_urls", "allowed_origins", "app_metadata", "app_type", "audience", "auth_session", "authentication",
        "authorization_params", "blocked", "callbacks", "client_id", "client_metadata", "client_secret", "code", "code_challenge",
        "code_challenge_method",
        "code_verifier", "connect_code", "connected_accounts", "connection", "display_name", "email", "email_verified",
        "enabled_clients", "grant_type",
        "grant_types", "identifier", "is_first_party", "jwt_configuration", "login_hint", "metadata", "name", "nonce",
        "oidc_conformant", "options", "password",
        "redirect_uri", "refresh_token", "requested_token_type", "resource_server_identifier", "response_type", "scope", "scopes",
        "signing_alg", "state",
        "status", "strategy", "subject_token", "subject_token_type", "subject_type", "subject_type_authorization", "token",
        "token_endpoint_auth_method",
        "token_lifetime", "user_metadata", "username", "web_origins", "action", "id_token_hint", "max_age", "prompt", "ticket", "iss", "error",
    ];

    /// <summary>They take no body, and do what they are asked whatever comes with the request.</summary>
    private static readonly string[] Rotations = ["/api/v2/keys/signing/rotate", "/api/v2/keys/encryption/rekey"];

    // No member of any endpoint takes one of these.
    private static readonly string[] WrongValues =
    [
        "[[1]]", "\"\\u0000\\u0001\"", "1e999", "-1", "\"\\ud800\"", "{\"\\u0000\":[{}]}", $"\"{new string('x', 20_000)}\"", "[null,[],\"\\u0007\"]",
    ];

    private static readonly (string Type, byte[] Body)[] Bodies =
    [
        .. ((string[])["", "{", "[", "null", "1", "\"a\"", "[]", "[1]", "[[]]", "{\"a\":1,\"a\":2}",
        "{\"name\":\"a\",\"name\":\"b\"}", "{\"a\":1}garbage",
            "{'a':1}", "{\"a\":1,}",
            "/* c */{}", "{\"\\ud800\":1}", "{\"a\":\"\\udc00\"}", "{\"a\":NaN}", "\u0000", "{\"a\":\"\u0001\"}", "\uFEFF{\"a\":1}"])
            .Select(text => ("application/json", Encoding.UTF8.GetBytes(text))),
        ("application/json", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":[", 5000)))),
        ("application/json", Encoding.UTF8.GetBytes($"{{\"name\":{new string('[', 100)}{new string(']', 100)}}}")),
        ("application/json", Encoding.UTF8.GetBytes($"{{\"name\":\"{new string('x', 100_000)}\"}}")),
        ("application/json", [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00]),
        ("application/json", [0x7B, 0x22, 0xC3, 0x28, 0x22, 0x3A, 0x31, 0x7D]),
        ("application/json; charset=iso-8859-1", Encoding.UTF8.GetBytes("{\"a\":1}")),
        ("text/xml", Encoding.UTF8.GetBytes("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>")),
        ("multipart/form-data; boundary=x", Encoding.UTF8.GetBytes("--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\na\r\n--x--")),
        ("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes("grant_type=a&grant_type=b&state=%00&username=%ff%fe&x=%zz&=&&;&a")),
        ("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes(string.Join('&', Enumerable.Range(0, 2000).Select(i => $"p{i}=v")))),
        ("nonsense", Encoding.UTF8.GetBytes("{\"a\":1}")),
        ("", Encoding.UTF8.GetBytes("{\"a\":1}")),
    ];

    private static readonly string[] Queries =
    [
        "?page=-1", "?page=99999999999999999999", "?per_page=0", "?per_page=101", "?per_page=a", "?take=0", "?take=1001",
        "?take=%00", "?from=%00", "?from=AAAA",
        "?next=..%2F..", "?include_totals=maybe", "?fields=%00", "?fields=" + "a,a", "?q=%22%3B+DROP+TABLE", "?q=a%3A%5B",
        "?name=%00&name=b", "?strategy=%ff",
        "?client_id=%F0%9F%92%A9", "?a=b&a=c", "?%00=%00", "?=&&&", "?state=" + "x", "?state=%00&code=%0d%0a", "?ticket=%00", "?ticket=a&ticket=b",
        "?redirect_uri=%00&client_id=%00&response_type=code", "?returnTo=%0d%0aX:y", "?id_token_hint=a.b.c&post_logout_redirect_uri=javascript:1",
        "?access_token=%00", "?email=%00", "?identifier=%27+OR+1%3D1",
    ];

    [Fact]
    public async Task Nothing_that_is_sent_to_any_endpoint_breaks_it_or_is_stored()
    {
        var user = await scene.ConnectedUserAsync();
        var tokens = new[] { null, "garbage", await user.MyTokenAsync(), (await scene.AdminAsync()).Token };
        var routes = await RoutesAsync(user);
        routes.Count.ShouldBeGreaterThan(50);
        var before = Fingerprint();
        var sent = 0;

        foreach (var (method, path) in routes)
        {
            var token = path.StartsWith("/me/", StringComparison.Ordinal) ? tokens[2] : tokens[3];
            foreach (var request in Requests(method, path))
            {
                await SendAsync(method, path + request.Query, token, request.Type, request.Body);
                sent++;
            }

            foreach (var other in tokens)
            {
                await SendAsync(method, path, other, "application/json", "{\"\":0}"u8.ToArray());
            }

            Fingerprint().ShouldBe(before, $"{method} {path} stored something");
        }

        sent.ShouldBeGreaterThan(5000);
        scene.Vault.Log.Text.ShouldNotContain("failed unexpectedly");
        scene.Vault.Log.Text.ShouldNotContain("request failed");
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Headers_that_make_no_sense_break_nothing()
    {
        var user = await scene.NewUserAsync();
        string[] headers =
        [
            "Bearer", "Bearer ", "bearer  x", "Basic", "Basic !!!",
            "Basic " + Convert.ToBase64String([0xFF, 0x3A, 0xFE]), "Basic Og==", "DPoP a.b.c", "Bearer " + new string('a', 9000),
            "Bearer " + new string('.', 500), "Negotiate x", $"Bearer {user.AccessToken}, Bearer {user.AccessToken}",
        ];
        foreach (var header in headers)
        {
            foreach (var path in (string[])[VaultScene.Accounts, "api/v2/clients", "userinfo", "oauth/token", "oauth/revoke"])
            {
                var method = path.StartsWith("oauth", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get;
                using var request = new HttpRequestMessage(method, scene.Vault.Issuer + path);
                request.Headers.TryAddWithoutValidation("Authorization", header);
                request.Headers.TryAddWithoutValidation("Cookie", "__Host-tv_session=\u0001; __Host-tv_connect_x=%00; " + new string('c', 4000));
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", "<script>, 1.2.3.4");
                request.Headers.TryAddWithoutValidation("User-Agent", new string('u', 5000));
                using var response = await scene.Vault.Api.Http.SendAsync(request);
                ((int)response.StatusCode).ShouldBeInRange(400, 499, $"{path} {header[..Math.Min(20, header.Length)]}");
            }
        }

        scene.Vault.Log.Text.ShouldNotContain("failed unexpectedly");
    }

    private static IEnumerable<(string Query, string? Type, byte[]? Body)> Requests(HttpMethod method, string path)
    {
        foreach (var query in Queries)
        {
            yield return (query, null, null);
        }

        yield return ("?a=" + new string('a', 7000), null, null);
        if (method == HttpMethod.Get)
        {
            foreach (var member in Members)
            {
                yield return ($"?{member}=%00%01&{member}=", null, null);
            }

            yield break;
        }

        foreach (var (type, body) in Bodies)
        {
            yield return ("", type, body);
        }

        // What the Management API's own members should not be, Management/BadInputTests draws from its document.
        foreach (var member in path.StartsWith("/api/v2/", StringComparison.Ordinal) ? [] : Members)
        {
            // Metadata are the caller's own, and may be any object.
            foreach (var value in WrongValues.Where(value => value[0] != '{' || !member.EndsWith("metadata", StringComparison.Ordinal)))
            {
                yield return ("", "application/json", Encoding.UTF8.GetBytes($"{{\"{member}\":{value}}}"));
            }

            yield return ("", "application/x-www-form-urlencoded", Encoding.UTF8.GetBytes($"{member}=%00%ff&{member}=x"));
        }
    }

    private async Task SendAsync(HttpMethod method, string path, string? token, string? type, byte[]? body)
    {
        var answer = await scene.SendRawAsync(method, path, token, type, body);
        var start = body is null ? "" : Encoding.Latin1.GetString(body)[..Math.Min(80, body.Length)];
        var what = $"{method} {path[..Math.Min(80, path.Length)]} {type} {start}: {answer.Text}";
        answer.Status.ShouldBeLessThan(500, what);
        if (method != HttpMethod.Head && answer.Status >= 400 && answer.ContentHeaders.ContentType?.MediaType == "application/json")
        {
            JsonDocument.Parse(answer.Text).RootElement.ValueKind.ShouldBe(JsonValueKind.Object, what);
        }
    }

    /// <summary>Every route and method; with ids that exist where a body is to be reached, and others where the request itself would act.</summary>
    private async Task<List<(HttpMethod Method, string Path)>> RoutesAsync(TestUser user)
    {
        var admin = await scene.AdminAsync();
        var connection = (string)(await admin.GetAsync("connections?name=" + VaultScene.Calendar)).Json[0]!["id"]!;
        var api = (string)(await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(VaultScene.Api))).Json[0]!["id"]!;
        var grant = (string)(await admin.GetAsync("client-grants")).Json[0]!["id"]!;
        var routes = new List<(HttpMethod, string)>();
        foreach (var endpoint in scene.Vault.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(route => !Rotations.Contains(route.RoutePattern.RawText)))
        {
            var methods = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods
                ?? ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
            foreach (var method in methods.Select(name => new HttpMethod(name)))
            {
                var pattern = endpoint.RoutePattern.RawText!;
                var acts = method == HttpMethod.Delete || pattern.EndsWith("rotate-secret", StringComparison.Ordinal)
                    || (method == HttpMethod.Post && pattern.StartsWith("/api/v2/connections/{id}/keys", StringComparison.Ordinal));
                var id = acts ? "unknown"
                    : pattern.StartsWith("/api/v2/users/", StringComparison.Ordinal) ? Uri.EscapeDataString(user.Id)
                    : pattern.StartsWith("/api/v2/clients/", StringComparison.Ordinal) ? scene.App.Credentials.ClientId
                    : pattern.StartsWith("/api/v2/connections/", StringComparison.Ordinal) ? connection
                    : pattern.StartsWith("/api/v2/resource-servers/", StringComparison.Ordinal) ? api
                    : pattern.StartsWith("/api/v2/client-grants/", StringComparison.Ordinal) ? grant
                    : VaultScene.Calendar;
                var path = Regex.Replace(pattern, @"\{[^}]*\}", id);
                routes.Add((method, path.StartsWith('/') ? path : "/" + path));
            }
        }

        return routes;
    }

    /// <summary>How many rows there are of each kind, and how often they were written; the audit log is not among them.</summary>
    private string Fingerprint()
    {
        using var database = SqliteConnection.OpenReader(Path.Combine(scene.Vault.DataDirectory, "vault.db"));
        return database.QueryText(
            """
            SELECT group_concat(kind || ' ' || rows || ' ' || versions, ', ')
            FROM (SELECT kind, count(*) AS rows, sum(version) AS versions FROM entity WHERE kind NOT LIKE 'audit-%' GROUP BY kind ORDER BY kind)
            """);
    }
}
