using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Management;

public class UserTests
{
    private const string Password = "correct horse battery";

    [Fact]
    public async Task A_local_user_is_made_read_listed_and_deleted()
    {
        var host = await ManagementHost.SharedAsync();
        var email = NewEmail();
        var user = await host.CreateAsync("/users", Json(email, ""","given_name":"Ada","user_metadata":{"a":1},"app_metadata":{"b":{"c":true}},"email_verified":true,"verify_email":false"""));
        var id = (string)user["user_id"]!;
        id.ShouldMatch("^auth0\\|[0-9a-f]{24}$");
        user.ToJsonString().ShouldNotContain("password_hash");
        user.ToJsonString().ShouldNotContain(Password);
        ((string?)user["name"]).ShouldBe(email);
        user["identities"]!.ToJsonString().ShouldBe($$"""[{"connection":"Username-Password-Authentication","user_id":"{{id[6..]}}","provider":"auth0","isSocial":false}]""");

        var path = "/users/" + Uri.EscapeDataString(id);
        ((string?)(await host.SendAsync("GET", path)).Body!["email"]).ShouldBe(email);
        (await host.SendAsync("GET", "/users/" + id)).Status.ShouldBe(200);
        (await host.SendAsync("GET", $"/users?q=email:\"{email.ToUpperInvariant()}\"&search_engine=v3")).Body!.AsArray().Count.ShouldBe(1);
        (await host.SendAsync("GET", $"/users?include_totals=true&q=user_id:\"{id}\"")).Body!["total"]!.GetValue<int>().ShouldBe(1);
        (await host.SendAsync("GET", "/users-by-email?email=" + Uri.EscapeDataString(email))).Body!.AsArray().Count.ShouldBe(1);
        (await host.SendAsync("DELETE", path)).Status.ShouldBe(204);
        (await host.SendAsync("GET", path)).ErrorCode.ShouldBe("inexistent_user");
    }

    [Fact]
    public async Task T_MG_04_a_user_id_is_decoded_once()
    {
        var host = await ManagementHost.SharedAsync();
        var user = await host.CreateAsync("/users", Json(NewEmail()));
        var twice = Uri.EscapeDataString(Uri.EscapeDataString((string)user["user_id"]!));
        (await host.SendAsync("GET", "/users/" + twice)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_password_is_stored_as_a_hash_that_it_matches()
    {
        var host = await ManagementHost.SharedAsync();
        var user = await host.CreateAsync("/users", Json(NewEmail()));
        var stored = (await host.Storage.FindAsync<User>((string)user["user_id"]!, default)).ShouldNotBeNull();
        stored.PasswordHash.ShouldNotBeNull().ShouldNotContain(Password);
        (await MatchesAsync(stored.PasswordHash, Password)).ShouldBeTrue();
        (await MatchesAsync(stored.PasswordHash, Password + " ")).ShouldBeFalse();
        (await MatchesAsync(null, Password)).ShouldBeFalse();

        await host.SendAsync("PATCH", "/users/" + user["user_id"], """{"password":"another long one"}""");
        var changed = (await host.Storage.FindAsync<User>(stored.UserId, default)).ShouldNotBeNull();
        (await MatchesAsync(changed.PasswordHash, "another long one")).ShouldBeTrue();

        async Task<bool> MatchesAsync(string? hash, string password) =>
            (await host.Vault.Service<PasswordHashes>().TryAsync(hash, password, default)).ShouldNotBeNull().Matches;
    }

    [Fact]
    public async Task The_same_address_twice_is_a_conflict_whatever_its_case()
    {
        var host = await ManagementHost.SharedAsync();
        var email = NewEmail();
        await host.CreateAsync("/users", Json(email));
        var reply = await host.SendAsync("POST", "/users", Json(email.ToUpperInvariant()));
        (reply.Status, reply.ErrorCode, reply.Message).ShouldBe((409, "conflict", "The user already exists."));

        var other = await host.CreateAsync("/users", Json(NewEmail()));
        (await host.SendAsync("PATCH", "/users/" + other["user_id"], $$"""{"email":"{{email}}"}""")).Status.ShouldBe(409);
    }

    [Theory]
    [InlineData("short", "password")]
    [InlineData("UsEr-9@Example.com", "password")]
    [InlineData("user-9@", "password")]
    public async Task A_weak_password_is_refused(string password, string property)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/users", $$"""{"connection":"{{Wire.DatabaseConnection}}","email":"user-9@example.com","password":"{{password}}"}""");
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"));
        reply.Message.ShouldNotBeNull().ShouldContain(property);
        (await host.SendAsync("POST", "/users", Json(NewEmail(), password: new string('p', 257)))).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("""{"email":"a@example.com","password":"correct horse battery"}""", "connection")]
    [InlineData("""{"connection":"other","email":"a@example.com","password":"correct horse battery"}""", "connection")]
    [InlineData("""{"connection":"Username-Password-Authentication","password":"correct horse battery"}""", "email")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com"}""", "password")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a","password":"correct horse battery"}""", "email")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@b@c","password":"correct horse battery"}""", "email")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com","username":"b@example.com","password":"correct horse battery"}""", "username")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com","picture":"javascript:x","password":"correct horse battery"}""", "picture")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com","password_hash":"x","password":"correct horse battery"}""", "password_hash")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com","identities":[],"password":"correct horse battery"}""", "identities")]
    [InlineData("""{"connection":"Username-Password-Authentication","email":"a@example.com","user_id":"a|b","password":"correct horse battery"}""", "user_id")]
    public async Task T_MG_06_a_bad_body_is_refused_by_name(string json, string property)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/users", json);
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"));
        reply.Message.ShouldNotBeNull().ShouldContain(property);
    }

    [Fact]
    public async Task A_patch_blocks_merges_metadata_and_unverifies_a_new_address()
    {
        var host = await ManagementHost.SharedAsync();
        var user = await host.CreateAsync("/users", Json(NewEmail(), ""","email_verified":true,"user_metadata":{"keep":1,"drop":2}"""));
        var path = "/users/" + user["user_id"];
        var patched = (await host.SendAsync("PATCH", path, $$$"""{"blocked":true,"email":"{{{NewEmail()}}}","user_metadata":{"drop":null,"add":3}}""")).Body!;
        ((bool)patched["blocked"]!).ShouldBeTrue();
        ((bool)patched["email_verified"]!).ShouldBeFalse();
        patched["user_metadata"]!.ToJsonString().ShouldBe("""{"keep":1,"add":3}""");
        (await host.SendAsync("PATCH", path, """{"user_id":"auth0|x"}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """{"connection":"other"}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """{"email":null}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """{"blocked":null}""")).Body!["blocked"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_user_takes_everything_that_is_theirs_along()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateAsync("/users", Json(NewEmail())))["user_id"]!;
        var session = new Session
        {
            Id = Identifier.Session(),
            UserId = id,
            CookieHash = Identifier.Hash(Identifier.Secret()),
            IdleExpiresAt = host.Clock.GetUtcNow().AddHours(1),
            AbsoluteExpiresAt = host.Clock.GetUtcNow().AddHours(2),
        };
        (await host.Storage.CommitAsync(new Batch().Insert(session))).Committed.ShouldBeTrue();
        (await host.SendAsync("DELETE", "/users/" + Uri.EscapeDataString(id))).Status.ShouldBe(204);
        (await host.Storage.FindAsync<Session>(session.Id, default)).ShouldBeNull();
    }

    [Theory]
    [InlineData("name:\"x")]
    [InlineData("email:[a b]")]
    [InlineData("email:a email:b")]
    [InlineData("email:\"a\" OR email:")]
    [InlineData("email:a b")]
    public async Task A_search_that_is_not_understood_is_refused_rather_than_answered_wrongly(string query)
    {
        var host = await ManagementHost.SharedAsync();
        (await host.SendAsync("GET", "/users?q=" + Uri.EscapeDataString(query))).ErrorCode.ShouldBe("invalid_query_string");
    }

    private static string NewEmail() => Identifier.Client().ToLowerInvariant() + "@example.com";

    private static string Json(string email, string more = "", string password = Password) =>
        $$"""{"connection":"{{Wire.DatabaseConnection}}","email":"{{email}}","password":"{{password}}"{{more}}}""";
}
