using System.Text;
using System.Text.Json;
using TokenVault.Server.Connections.Quirks;

namespace TokenVault.Tests.Connections.Quirks;

/// <summary>Each quirk by itself, with answers as the providers' documentation shows them.</summary>
public sealed class QuirkTests
{
    [Theory]
    [InlineData(
        """{"ok":true,"access_token":"xoxb-bot","refresh_token":"xoxe-bot","scope":"commands","authed_user":{"id":"U1","access_token":"xoxp-user","refresh_token":"xoxe-user","expires_in":43200,"scope":"search:read"}}""",
        "xoxp-user", "xoxe-user", "43200", "search:read")]
    [InlineData("""{"ok":true,"access_token":"xoxb-bot","refresh_token":"xoxe-bot","expires_in":1,"scope":"commands","authed_user":{"id":"U1","access_token":"xoxp-user"}}""", "xoxp-user", null, null, null)]
    [InlineData("""{"ok":true,"access_token":"xoxp-new","refresh_token":"xoxe-new","expires_in":43200,"token_type":"user"}""", "xoxp-new", "xoxe-new", "43200", null)]
    [InlineData("""{"ok":true,"access_token":"xoxb-bot","scope":"commands","authed_user":{"id":"U1"}}""", "xoxb-bot", null, null, "commands")]
    [InlineData("""{"ok":true,"access_token":"xoxb-bot","authed_user":"U1"}""", "xoxb-bot", null, null, null)]
    public void Slack_the_users_tokens_and_nothing_of_the_bots(string body, string accessToken, string? refreshToken, string? lifetime, string? scope)
    {
        var answer = AnswerQuirks.SlackAuthedUser(Answer(body));
        (answer.Text("access_token"), answer.Text("refresh_token"), answer.At("expires_in"), answer.Text("scope")).ShouldBe((accessToken, refreshToken, lifetime, scope));
    }

    [Fact]
    public void Slack_the_users_id_stays_to_be_found() =>
        AnswerQuirks.SlackAuthedUser(Answer("""{"authed_user":{"id":"U1","access_token":"x"},"team":{"id":"T1"}}""")).At("authed_user.id").ShouldBe("U1");

    [Theory]
    [InlineData("""{"success":false,"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid"}]}""", "invalid_grant")]
    [InlineData("""{"success":false,"errors":[]}""", null)]
    [InlineData("""{"errors":"none"}""", null)]
    [InlineData("""{"error":"invalid_client","errors":[{"errorType":"invalid_grant"}]}""", "invalid_client")]
    [InlineData("""{"access_token":"at"}""", null)]
    public void Fitbit_errors_are_a_list(string body, string? code) => TokenAnswerErrors.Code(AnswerQuirks.FitbitErrors(Answer(body))).ShouldBe(code);

    [Theory]
    [InlineData("""{"error":"Bad Request","status":400,"message":"Invalid refresh token"}""", "invalid_grant")]
    [InlineData("""{"status":400,"message":"invalid refresh token"}""", "invalid_grant")]
    [InlineData("""{"status":403,"message":"invalid client secret","error":"Forbidden"}""", "Forbidden")]
    [InlineData("""{"access_token":"at","message":"Invalid refresh token"}""", null)]
    public void Twitch_names_a_dead_refresh_token_in_its_message(string body, string? code) =>
        TokenAnswerErrors.Code(AnswerQuirks.TwitchErrors(Answer(body))).ShouldBe(code);

    [Theory]
    [InlineData("""{"error":"invalid_request","error_description":"Value passed for the token was invalid."}""", "invalid_grant")]
    [InlineData("""{"error":"invalid_request","error_description":"Missing required parameter [code_verifier]."}""", "invalid_request")]
    [InlineData("""{"error":"invalid_request"}""", "invalid_request")]
    [InlineData("""{"access_token":"at"}""", null)]
    public void X_names_a_dead_refresh_token_in_its_description(string body, string? code) =>
        TokenAnswerErrors.Code(AnswerQuirks.XErrors(Answer(body))).ShouldBe(code);

    [Theory]
    [InlineData("""{"scope":"openid https://www.googleapis.com/auth/userinfo.email"}""", "openid https://www.googleapis.com/auth/userinfo.email email")]
    [InlineData("""{"scope":"https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email"}""", "https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email email profile")]
    [InlineData("""{"scope":"https://www.googleapis.com/auth/calendar"}""", "https://www.googleapis.com/auth/calendar")]
    [InlineData("""{"access_token":"at"}""", null)]
    public void Google_both_names_of_a_scope_are_kept(string body, string? scope) => AnswerQuirks.GoogleScopeNames(Answer(body)).Text("scope").ShouldBe(scope);

    [Theory]
    [InlineData("""{"scope":"openid User.Read","refresh_token":"rt"}""", "openid User.Read offline_access")]
    [InlineData("""{"scope":"openid offline_access","refresh_token":"rt"}""", "openid offline_access")]
    [InlineData("""{"scope":"openid User.Read"}""", "openid User.Read")]
    [InlineData("""{"refresh_token":"rt"}""", null)]
    public void Microsoft_offline_access_was_granted_where_a_refresh_token_came(string body, string? scope) =>
        AnswerQuirks.OfflineAccessUnsaid(Answer(body)).Text("scope").ShouldBe(scope);

    [Theory]
    [InlineData("""{"id_token":false}""", false)]
    [InlineData("""{"id_token":"jwt"}""", true)]
    [InlineData("""{}""", false)]
    public void Tumblr_false_is_no_id_token(string body, bool there) => (AnswerQuirks.TumblrIdTokenFalse(Answer(body))["id_token"] is not null).ShouldBe(there);

    [Theory]
    [InlineData("""{"expires_in":3600000,"expires_in_sec":3600}""", 3600)]
    [InlineData("""{"expires_in":3600}""", 3600)]
    [InlineData("""{"expires_in":3600,"expires_in_sec":null}""", 3600)]
    public void Zoho_seconds_go_before_milliseconds(string body, int seconds) => TokenAnswerValues.Lifetime(AnswerQuirks.ZohoExpiresInSec(Answer(body))).ShouldBe(seconds);

    [Theory]
    [InlineData("authorization_code", "web_server")]
    [InlineData("refresh_token", "refresh")]
    public void Basecamp_type_stands_for_grant_type(string grantType, string type)
    {
        var fields = new Dictionary<string, string> { ["grant_type"] = grantType, ["client_id"] = "c" };
        RequestQuirks.BasecampType(fields).ShouldBe(new Dictionary<string, string> { ["client_id"] = "c", ["type"] = type }, ignoreOrder: true);
        fields["grant_type"].ShouldBe(grantType, "what is given is not changed");
    }

    [Fact]
    public void Facebook_a_short_lived_token_is_traded_for_a_long_lived_one() =>
        RequestQuirks.FacebookLongLivedToken("short").ShouldBe(
            new Dictionary<string, string> { ["grant_type"] = "fb_exchange_token", ["fb_exchange_token"] = "short" }, ignoreOrder: true);

    [Theory]
    [InlineData("""{"ok":false,"error":"invalid_code"}""", "invalid_code")]
    [InlineData("""{"ok":false}""", "unknown")]
    [InlineData("""{"ok":true}""", null)]
    [InlineData("""{"error":{"type":"OAuthException","code":190}}""", "OAuthException")]
    [InlineData("error=bad_verification_code&error_description=x", "bad_verification_code")]
    [InlineData("access_token=at&scope=repo%2Cgist", null)]
    public void Slack_GitHub_and_Facebook_errors_are_found_whatever_the_status(string body, string? code) => TokenAnswerErrors.Code(Answer(body)).ShouldBe(code);

    [Theory]
    [InlineData("""{"scope":["user:read:email","chat:read"]}""", "user:read:email chat:read")]
    [InlineData("""{"scope":"repo,gist"}""", "repo gist")]
    [InlineData("""{"scopes":"account repository"}""", "account repository")]
    [InlineData("access_token=at&scope=repo%2Cgist", "repo gist")]
    [InlineData("""{"scope":""}""", "")]
    public void Twitch_GitHub_and_Bitbucket_scopes_are_read(string body, string scopes) => string.Join(' ', TokenAnswerValues.Scopes(Answer(body))!).ShouldBe(scopes);

    [Theory]
    [InlineData("""{"a":{"b":[{"c":7},{"d":"x"}]}}""", "a.b.1.d", "x")]
    [InlineData("""{"a":{"b":[{"c":7}]}}""", "a.b.0.c", "7")]
    [InlineData("""{"a":{"b":[{"c":7}]}}""", "a.b.1.c", null)]
    [InlineData("""{"a":{"b":[{"c":7}]}}""", "a.b.-1.c", null)]
    [InlineData("""{"a":"x"}""", "a.b", null)]
    [InlineData("""{"a":{"0":"x"}}""", "a.0", "x")]
    public void A_path_goes_through_members_and_lists(string body, string path, string? value) => Answer(body).At(path).ShouldBe(value);

    [Fact]
    public void A_quirk_leaves_what_it_is_given_as_it_was()
    {
        var body = """{"id_token":false,"scope":"openid https://www.googleapis.com/auth/userinfo.email","refresh_token":"rt"}""";
        var answer = Answer(body);
        foreach (var quirk in KnownQuirks.All.Where(quirk => quirk.Answer is not null))
        {
            quirk.Answer!(answer);
        }

        answer["id_token"]!.Value.ValueKind.ShouldBe(JsonValueKind.False);
        answer.Text("scope").ShouldBe("openid https://www.googleapis.com/auth/userinfo.email");
    }

    private static AnswerMembers Answer(string body) => TokenAnswerForm.Read(Encoding.UTF8.GetBytes(body), mediaType: null)!;
}
