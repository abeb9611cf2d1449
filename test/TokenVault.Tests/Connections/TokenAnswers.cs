using TokenVault.Server.Connections;

namespace TokenVault.Tests.Connections;

/// <summary>One answer of a token endpoint, and what it must be taken for.</summary>
internal sealed record TokenAnswer(int Status, string ContentType, string Body)
{
    public ProviderFailureKind? Failure { get; init; }

    public string? RetryAfter { get; init; }

    public int? RetrySeconds { get; init; }

    public string? RefreshToken { get; init; }

    public string? Scopes { get; init; }

    public int? Lifetime { get; init; }

    public string Strategy { get; init; } = "oauth2";
}

/// <summary>Answers as providers send them, good and bad (T-UP-04, F-17).</summary>
internal static class TokenAnswers
{
    private const string Json = "application/json";
    private const string Form = "application/x-www-form-urlencoded";
    private const ProviderFailureKind Dead = ProviderFailureKind.GrantRejected;
    private const ProviderFailureKind Away = ProviderFailureKind.Unavailable;

    /// <summary>There may have been tokens in it.</summary>
    private const ProviderFailureKind InDoubt = ProviderFailureKind.OutcomeUnknown;
    private const ProviderFailureKind Operator = ProviderFailureKind.Misconfigured;

    public static readonly IReadOnlyDictionary<string, TokenAnswer> All = new Dictionary<string, TokenAnswer>
    {
        // Tokens
        ["plain"] = Ok("""{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt","scope":"a b"}""") with
        {
            Lifetime = 3600,
            RefreshToken = "rt",
            Scopes = "a b",
        },
        ["status 201"] = Ok("""{"access_token":"at"}""") with { Status = 201 },
        ["charset"] = Ok("""{"access_token":"at"}""") with { ContentType = "application/json; charset=utf-8" },
        ["vendor json"] = Ok("""{"access_token":"at"}""") with { ContentType = "application/vnd.acme+json" },
        ["json as text/plain"] = Ok("""{"access_token":"at"}""") with { ContentType = "text/plain" },
        ["json as text/html"] = Ok("""{"access_token":"at"}""") with { ContentType = "text/html" },
        ["json as form"] = Ok("""{"access_token":"at"}""") with { ContentType = Form },
        ["leading space"] = Ok("\r\n  {\"access_token\":\"at\"}\n"),
        ["form"] = Ok("access_token=at&scope=repo%2Cgist&token_type=bearer&expires_in=28800&refresh_token=r%2B1") with
        {
            ContentType = Form,
            Scopes = "repo gist",
            Lifetime = 28800,
            RefreshToken = "r+1",
        },
        ["form as text/plain"] = Ok("access_token=at&scope=") with { ContentType = "text/plain", Scopes = "" },
        ["odd token type"] = Ok("""{"access_token":"at","token_type":"user"}"""),
        ["token type of another kind"] = Ok("""{"access_token":"at","token_type":7}"""),
        ["unknown members"] = Ok("""{"access_token":"at","instance_url":"https://x","team":{"id":1},"error":null}"""),
        ["ok true"] = Ok("""{"ok":true,"access_token":"at"}"""),
        ["empty error"] = Ok("""{"access_token":"at","error":""}"""),
        ["null refresh token"] = Ok("""{"access_token":"at","refresh_token":null}"""),
        ["false refresh token"] = Ok("""{"access_token":"at","refresh_token":false}"""),
        ["empty refresh token"] = Ok("""{"access_token":"at","refresh_token":""}"""),
        ["id_token false"] = Ok("""{"access_token":"at","id_token":false}"""),
        ["long token"] = Ok($$"""{"access_token":"{{new string('a', 16 * 1024)}}"}"""),

        // Lifetimes
        ["expires_in string"] = Ok("""{"access_token":"at","expires_in":"7200"}""") with { Lifetime = 7200 },
        ["expires_in fraction"] = Ok("""{"access_token":"at","expires_in":3599.9}""") with { Lifetime = 3599 },
        ["expires_in exponent"] = Ok("""{"access_token":"at","expires_in":3.6e3}""") with { Lifetime = 3600 },
        ["expires_in zero"] = Ok("""{"access_token":"at","expires_in":0}"""),
        ["expires_in zero string"] = Ok("""{"access_token":"at","expires_in":"0"}"""),
        ["expires_in negative"] = Ok("""{"access_token":"at","expires_in":-1}"""),
        ["expires_in null"] = Ok("""{"access_token":"at","expires_in":null}"""),
        ["expires_in word"] = Ok("""{"access_token":"at","expires_in":"never"}"""),
        ["expires_in NaN"] = Ok("""{"access_token":"at","expires_in":"NaN"}"""),
        ["expires_in infinite"] = Ok("""{"access_token":"at","expires_in":"Infinity"}""") with { Lifetime = 315360000 },
        ["expires_in object"] = Ok("""{"access_token":"at","expires_in":{"s":1}}"""),
        ["expires_in huge"] = Ok("""{"access_token":"at","expires_in":1e400}""") with { Lifetime = 315360000 },
        ["expires_in century"] = Ok("""{"access_token":"at","expires_in":9223372036854775807}""") with { Lifetime = 315360000 },
        ["catalogue lifetime"] = Ok("""{"access_token":"at"}""") with { Strategy = "google-oauth2", Lifetime = 3600 },

        // Scopes
        ["scope commas"] = Ok("""{"access_token":"at","scope":"a,b, c"}""") with { Scopes = "a b c" },
        ["scope array"] = Ok("""{"access_token":"at","scope":["a","b",7]}""") with { Scopes = "a b" },
        ["scope twice"] = Ok("""{"access_token":"at","scope":"a a b"}""") with { Scopes = "a b" },
        ["scope empty"] = Ok("""{"access_token":"at","scope":""}""") with { Scopes = "" },
        ["scope null"] = Ok("""{"access_token":"at","scope":null}"""),
        ["scope number"] = Ok("""{"access_token":"at","scope":5}"""),
        ["scopes"] = Ok("""{"access_token":"at","scopes":"a b"}""") with { Scopes = "a b" },
        ["scope with garbage"] = Ok("""{"access_token":"at","scope":"a b\u0000c \"d ü"}""") with { Scopes = "a" },

        // The grant is dead
        ["invalid_grant 400"] = Error(400, "invalid_grant", Dead),
        ["invalid_grant 401"] = Error(401, "invalid_grant", Dead),
        ["invalid_grant 403"] = Error(403, "invalid_grant", Dead),
        ["invalid_grant 404"] = Error(404, "invalid_grant", Dead),
        ["invalid_grant 200"] = Error(200, "invalid_grant", Dead),
        ["invalid_grant form 200"] = new(200, Form, "error=invalid_grant&error_description=x") { Failure = Dead },
        ["invalid_grant ok false"] = new(200, Json, """{"ok":false,"error":"invalid_grant"}""") { Failure = Dead },
        ["github refresh"] = new(200, Form, "error=bad_refresh_token&error_description=The+refresh+token") { Failure = Dead, Strategy = "github" },
        ["github code"] = Error(200, "bad_verification_code", Dead) with { Strategy = "github" },

        // Somebody must act
        ["github word elsewhere"] = Error(200, "bad_refresh_token", Operator),
        ["invalid_client 400"] = Error(400, "invalid_client", Operator),
        ["invalid_client 401"] = Error(401, "invalid_client", Operator),
        ["unauthorized_client"] = Error(400, "unauthorized_client", Operator),
        ["unsupported_grant_type"] = Error(400, "unsupported_grant_type", Operator),
        ["invalid_scope"] = Error(400, "invalid_scope", Operator),
        ["invalid_request"] = Error(400, "invalid_request", Operator),
        ["unknown code"] = Error(400, "redirect_uri_mismatch", Operator),
        ["401 empty"] = new(401, "text/plain", "") { Failure = Operator },
        ["401 html"] = new(401, "text/html", "<h1>No</h1>") { Failure = Operator },
        ["github credentials"] = Error(200, "incorrect_client_credentials", Operator) with { Strategy = "github" },
        ["error object"] = new(400, Json, """{"error":{"code":"OAuthException","message":"secret"}}""") { Failure = Operator },
        ["error true"] = new(400, Json, """{"error":true,"status":400}""") { Failure = Operator },
        ["slack"] = new(200, Json, """{"ok":false,"error":"invalid_client_id"}""") { Failure = Operator },
        ["ok false alone"] = new(200, Json, """{"ok":false}""") { Failure = Operator },
        ["evil code"] = new(400, Json, """{"error":"<script>\u0007\n\u202eevil"}""") { Failure = Operator },

        // The provider is away
        ["500"] = new(500, "text/plain", "") { Failure = Away },
        ["500 invalid_grant"] = Error(500, "invalid_grant", Away),
        ["502 html"] = new(502, "text/html", "<h1>Bad gateway</h1>") { Failure = InDoubt },
        ["503 retry"] = new(503, "text/plain", "") { Failure = Away, RetryAfter = "30", RetrySeconds = 30 },
        ["503 absurd retry"] = new(503, "text/plain", "") { Failure = Away, RetryAfter = "86400", RetrySeconds = 900 },
        ["504"] = new(504, Json, "{}") { Failure = InDoubt },
        ["429 retry"] = new(429, Json, """{"error":"slow_down"}""") { Failure = Away, RetryAfter = "7", RetrySeconds = 7 },
        ["429 invalid_grant"] = Error(429, "invalid_grant", Away),
        ["408"] = new(408, "text/plain", "") { Failure = Away },
        ["temporarily_unavailable"] = Error(400, "temporarily_unavailable", Away),
        ["server_error 200"] = Error(200, "server_error", Away),
        ["slack ratelimited"] = new(200, Json, """{"ok":false,"error":"ratelimited"}""") { Failure = Away },
        ["302"] = new(302, "text/html", "") { Failure = Away },
        ["404 html"] = new(404, "text/html", "<!doctype html><p>Not found") { Failure = Away },
        ["400 html"] = new(400, "text/html", "<p>invalid_grant</p>") { Failure = Away },
        ["200 html"] = new(200, "text/html", "<p>access_token=at&error=invalid_grant</p>") { Failure = InDoubt },
        ["200 empty"] = new(200, Json, "") { Failure = InDoubt },
        ["204"] = new(204, Json, "") { Failure = Away },
        ["200 no token"] = new(200, Json, """{"expires_in":3600}""") { Failure = InDoubt },
        ["200 empty token"] = new(200, Json, """{"access_token":""}""") { Failure = InDoubt },
        ["200 number token"] = new(200, Json, """{"access_token":5}""") { Failure = InDoubt },
        ["200 token with newline"] = new(200, Json, """{"access_token":"a\r\nb"}""") { Failure = InDoubt },
        ["200 giant token"] = new(200, Json, $$"""{"access_token":"{{new string('a', 16 * 1024 + 1)}}"}""") { Failure = InDoubt },
        ["200 giant refresh token"] = new(200, Json, $$"""{"access_token":"at","refresh_token":"{{new string('r', 16 * 1024 + 1)}}"}""") { Failure = InDoubt },
        ["200 refresh token with umlaut"] = new(200, Json, """{"access_token":"at","refresh_token":"rü"}""") { Failure = InDoubt },
        ["200 refresh token with newline"] = new(200, Json, """{"access_token":"at","refresh_token":"r\nt"}""") { Failure = InDoubt },
        ["200 half a character as refresh token"] = new(200, Json, """{"access_token":"at","refresh_token":"r\ud800"}""") { Failure = InDoubt },
        ["200 number as refresh token"] = new(200, Json, """{"access_token":"at","refresh_token":5}""") { Failure = InDoubt },
        ["200 object as refresh token"] = new(200, Json, """{"access_token":"at","refresh_token":{"token":"rt"}}""") { Failure = InDoubt },
        ["200 array"] = new(200, Json, """[{"access_token":"at"}]""") { Failure = InDoubt },
        ["200 string"] = new(200, Json, "\"at\"") { Failure = InDoubt },
        ["200 truncated"] = new(200, Json, """{"access_token":"at","exp""") { Failure = InDoubt },
        ["200 trailing"] = new(200, Json, """{"access_token":"at"}{"access_token":"bt"}""") { Failure = InDoubt },
        ["200 duplicate"] = new(200, Json, """{"access_token":"at","access_token":"bt"}""") { Failure = InDoubt },
        ["200 escaped duplicate"] = new(200, Json, """{"access_token":"at","access\u005ftoken":"bt"}""") { Failure = InDoubt },
        ["200 deep"] = new(200, Json, $$"""{"access_token":"at","x":{{new string('[', 20)}}{{new string(']', 20)}}}""") { Failure = InDoubt },
        ["200 form twice"] = new(200, Form, "access_token=at&access_token=bt") { Failure = InDoubt },
        ["200 form empty"] = new(200, Form, "hello") { Failure = InDoubt },
        ["200 xml"] = new(200, "application/xml", "<token>at</token>") { Failure = InDoubt },
        ["200 bytes"] = new(200, Json, "\u0000\u0001\u0002") { Failure = InDoubt },
    };

    private static TokenAnswer Ok(string body) => new(200, Json, body);

    private static TokenAnswer Error(int status, string code, ProviderFailureKind kind) =>
        new(status, Json, $$"""{"error":"{{code}}","error_description":"body-of-the-provider"}""") { Failure = kind };
}
