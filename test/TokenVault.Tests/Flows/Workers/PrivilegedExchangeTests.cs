using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A provider's token for a user who is not present. These tests move the clock.</summary>
public sealed class PrivilegedExchangeTests(WorkerScene scene) : IClassFixture<WorkerScene>
{
    [Theory]
    [InlineData(Wire.VaultAccessTokenType)]
    [InlineData(Wire.FederatedAccessTokenType)]
    [InlineData(null)]
    public async Task A_worker_is_given_the_users_token_and_the_log_says_why(string? requested)
    {
        var worker = await scene.NewWorkerAsync();
        var answer = await worker.ExchangeAsync(scene.User.Id, ("requested_token_type", requested));
        answer.ShouldBeGranted();
        answer["issued_token_type"].ShouldBe(requested ?? Wire.FederatedAccessTokenType);
        answer["access_token"].ShouldBe((await scene.User.ExchangeAsync())["access_token"]);

        var row = (await scene.AuditAsync("seta", scene.User.Id)).Last(row => (string?)row["client_id"] == worker.ClientId);
        ((bool)row["details"]!["is_privileged_worker"]!).ShouldBeTrue();
        ((string?)row["details"]!["audit_context"]).ShouldBe("Nightly synchronisation");
        ((string?)row["details"]!["subject_token_type"]).ShouldBe(Wire.JwtType);
    }

    /// <summary>Seed 004: the registration, the script's JWT without exp, and the request, as they are printed there.</summary>
    [Fact]
    public async Task The_documented_example_works_as_printed()
    {
        var admin = await scene.AdminAsync();
        var key = WorkerKey.Create("RS256");
        var client = await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "My App using JAR",
            ["grant_types"] = new JsonArray(Wire.FederatedExchange),
            ["oidc_conformant"] = true,
            ["is_first_party"] = true,
            ["jwt_configuration"] = new JsonObject { ["alg"] = "RS256" },
            ["token_vault_privileged_access"] = new JsonObject
            {
                ["credentials"] = new JsonArray(new JsonObject
                {
                    ["name"] = "My credential for Token Vault Privileged Access",
                    ["credential_type"] = "public_key",
                    ["pem"] = key.Pem,
                    ["alg"] = "RS256",
                }),
            },
        });
        var id = (string)client["client_id"]!;
        await scene.EnableAsync(VaultScene.Calendar, id);
        var credential = (string)(await admin.GetAsync("clients/" + id)).Json["token_vault_privileged_access"]!["credentials"]![0]!["id"]!;
        var patch = new JsonObject { ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["id"] = credential }) } };
        (await admin.PatchAsync("clients/" + id, patch)).Status.ShouldBe(200);

        var jwt = key.Sign(
            new JsonObject { ["alg"] = "RS256", ["typ"] = "token-vault-req+jwt" },
            new JsonObject
            {
                ["iss"] = id,
                ["aud"] = scene.Vault.Issuer,
                ["sub"] = scene.User.Id,
                ["jti"] = "0b8d6f1e-3a5c-4c0e-9d55-6f0f5a0c9f11",
                ["audit_context"] = "Automated nightly sync for compliance report",
                ["iat"] = scene.Clock.GetUtcNow().ToUnixTimeSeconds(),
            });
        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: new JsonObject
        {
            ["client_id"] = id,
            ["client_secret"] = (string)client["client_secret"]!,
            ["subject_token"] = jwt,
            ["grant_type"] = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
            ["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt",
            ["requested_token_type"] = "http://auth0.com/oauth/token-type/token-vault-access-token",
            ["connection"] = VaultScene.Calendar,
        });
        answer.ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_02_the_JWT_is_the_clients_own_signed_by_its_key_for_this_purpose()
    {
        var (a, b) = (await scene.NewWorkerAsync(), await scene.NewWorkerAsync());
        foreach (var (iss, key) in ((string, WorkerKey)[])
        [
            (b.ClientId, b.Subjects), (b.ClientId, a.Subjects), (a.ClientId, b.Subjects), (a.ClientId, a.Authentication), ("", a.Subjects), (scene.Vault.Issuer, a.Subjects),
        ])
        {
            Invalid(await a.SendAsync((a with { Subjects = key }).SubjectToken(scene.User.Id, claims => claims["iss"] = iss)));
        }

        (await a.SendAsync(a.SubjectToken(scene.User.Id))).ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_01_and_T_PW_13_only_the_documented_type_and_asymmetric_algorithms_count()
    {
        var worker = await scene.NewWorkerAsync(alg: "RS256");
        foreach (var typ in (string?[])["JWT", "jwt", "at+jwt", "", "token-vault-req", "Token-Vault-Req+JWT", "token-vault-req+jwt ", null])
        {
            Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, header: header => Set(header, "typ", typ))));
        }

        foreach (var alg in (string?[])["none", "None", "HS256", "HS384", "HS512", "RS384", "PS256", "ES256", "EdDSA", null])
        {
            Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, header: header => Set(header, "alg", alg))));
        }

        // The public key as a symmetric one.
        var parts = worker.SubjectToken(scene.User.Id, header: header => header["alg"] = "HS256").Split('.');
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(worker.Subjects.Pem), Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"));
        Invalid(await worker.SendAsync($"{parts[0]}.{parts[1]}.{System.Buffers.Text.Base64Url.EncodeToString(mac)}"));
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, header: header => header["typ"] = "application/token-vault-req+jwt"))).ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_03_a_subject_token_is_good_once_after_a_restart_and_in_any_spelling()
    {
        var worker = await scene.NewWorkerAsync();
        var token = worker.SubjectToken(scene.User.Id);
        (await worker.SendAsync(token)).ShouldBeGranted();
        Invalid(await worker.SendAsync(token));
        await scene.Vault.RestartAsync();
        Invalid(await worker.SendAsync(token));
        Invalid(await worker.SendAsync(token + "="));
        Invalid(await worker.SendAsync(token.Replace(".", "%2E", StringComparison.Ordinal)));

        // ECDSA has many signatures for one text; the name in it is one, however JSON spells it.
        var jti = Identifier.Secret();
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["jti"] = jti))).ShouldBeGranted();
        Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["jti"] = jti)));
        var escaped = string.Concat(jti.Select(c => $"\\u{(int)c:x4}"));
        var payload = Answers.Claims(worker.SubjectToken(scene.User.Id, claims => claims["jti"] = "HERE")).ToJsonString().Replace("HERE", escaped, StringComparison.Ordinal);
        Invalid(await worker.SendAsync(worker.Subjects.Sign("""{"alg":"ES256","typ":"token-vault-req+jwt"}""", payload)));
    }

    [Fact]
    public async Task T_PW_03_of_many_at_once_one_is_answered()
    {
        var worker = await scene.NewWorkerAsync();
        var token = worker.SubjectToken(scene.User.Id);
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => worker.SendAsync(token)));
        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Count(answer => answer["error"] == "invalid_grant").ShouldBe(39);
    }

    [Fact]
    public async Task T_PW_04_names_are_stored_after_the_signature_in_one_size_and_go_when_their_time_is_over()
    {
        var worker = await scene.NewWorkerAsync();
        var before = await CountAsync();
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["jti"] = new string('x', 256)))).ShouldBeGranted();
        (await CountAsync()).ShouldBe(before + 2);
        Invalid(await worker.SendAsync((worker with { Subjects = WorkerKey.Create() }).SubjectToken(scene.User.Id)));
        Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["jti"] = new string('x', 257))));
        (await CountAsync()).ShouldBe(before + 4);

        scene.Clock.Jump(TimeSpan.FromHours(2));
        (await CountAsync()).ShouldBe(0);

        async Task<long> CountAsync() => await scene.Storage.CountAsync(new ListQuery("jti"), default);
    }

    [Fact]
    public async Task T_PW_07_only_what_the_user_has_connected_and_not_after_they_disconnect()
    {
        var worker = await scene.NewWorkerAsync();
        var stranger = await scene.NewUserAsync();
        (await worker.ExchangeAsync(stranger.Id))["reason"].ShouldBe("not_connected");
        var account = await stranger.ConnectAsync(person: "grace");
        (await worker.ExchangeAsync(stranger.Id)).ShouldBeGranted();
        (await stranger.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await stranger.MyTokenAsync())).Status.ShouldBe(204);
        (await worker.ExchangeAsync(stranger.Id))["reason"].ShouldBe("not_connected");
    }

    [Fact]
    public async Task T_PW_08_not_for_a_user_who_is_blocked_or_gone()
    {
        var worker = await scene.NewWorkerAsync();
        var user = await scene.ConnectedUserAsync();
        var stored = (await scene.Storage.FindAsync<User>(user.Id, default))!;
        (await scene.Storage.CommitAsync(new Batch().Replace(stored with { Blocked = true }))).Committed.ShouldBeTrue();
        await RefusedAsync(user.Id, "access_denied");
        (await (await scene.AdminAsync()).DeleteAsync("users/" + Uri.EscapeDataString(user.Id))).Status.ShouldBe(204);
        await RefusedAsync(user.Id, "invalid_grant");
        await RefusedAsync("auth0|nobody", "invalid_grant");

        // Whom somebody with a stolen key was after is what the log is read for.
        async Task RefusedAsync(string userId, string error)
        {
            (await worker.ExchangeAsync(userId)).ShouldBeRefused(403, error);
            ((string?)(await scene.AuditAsync("feta"))[^1]["details"]!["requested_user_id"]).ShouldBe(userId);
        }
    }

    [Fact]
    public async Task T_CA_01_each_condition_of_the_client_is_asked_each_time()
    {
        var worker = await scene.NewWorkerAsync();
        foreach (var (change, back) in ((string, string)[])
        [
            ("""{"is_first_party":false}""", """{"is_first_party":true}"""),
            ("""{"oidc_conformant":false}""", """{"oidc_conformant":true}"""),
            ("""{"grant_types":["client_credentials"]}""", $$"""{"grant_types":["{{Wire.FederatedExchange}}"]}"""),
        ])
        {
            await scene.PatchAsync(worker, (JsonObject)JsonNode.Parse(change)!);
            (await worker.ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "unauthorized_client");
            await scene.PatchAsync(worker, (JsonObject)JsonNode.Parse(back)!);
            (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        }

        await scene.PatchAsync(worker, new JsonObject { ["token_vault_privileged_access"] = null });
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "unauthorized_client");
        var form = worker.Request(worker.SubjectToken(scene.User.Id), ("client_id", scene.App.Credentials.ClientId), ("client_secret", scene.App.Credentials.ClientSecret), ("client_assertion", null), ("client_assertion_type", null));
        (await scene.Vault.Api.FormAsync("oauth/token", form)).ShouldBeRefused(403, "unauthorized_client");
    }

    [Fact]
    public async Task T_PW_10_a_refresh_token_is_handed_out_and_always_marked()
    {
        var worker = await scene.NewWorkerAsync();
        foreach (var type in (string[])[Wire.VaultRefreshTokenType, Wire.FederatedRefreshTokenType])
        {
            var answer = await worker.ExchangeAsync(scene.User.Id, ("requested_token_type", type));
            answer.Status.ShouldBe(200, answer.Text);

            // openid-client knows N_A with the grant of RFC 8693 only: with this one it throws away what it was given.
            (answer["token_type"], answer["issued_token_type"]).ShouldBe(("Bearer", type));
            scene.Provider.Commits.ShouldContain(commit => commit.RefreshToken == answer["access_token"]);
            var row = (await scene.AuditAsync("seta", scene.User.Id))[^1];
            ((bool)row["details"]!["refresh_token_issued"]!).ShouldBeTrue();
            ((string?)row["details"]!["audit_context"]).ShouldNotBeNullOrEmpty();
            ((string?)row["details"]!["issued_token_type"]).ShouldBe(type);
            row.ToJsonString().ShouldNotContain(answer["access_token"]!);
        }

        (await scene.User.ExchangeAsync(more: new JsonObject { ["requested_token_type"] = Wire.VaultRefreshTokenType })).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task With_two_keys_the_kid_says_which()
    {
        var worker = await scene.NewWorkerAsync();
        var next = WorkerKey.Create();
        var access = new JsonObject { ["credentials"] = new JsonArray(worker.Subjects.Credential("one"), next.Credential("two")) };
        await scene.PatchAsync(worker, new JsonObject { ["token_vault_privileged_access"] = access });
        Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id)));
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, header: header => header["kid"] = "one"))).ShouldBeGranted();
        Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, header: header => header["kid"] = "two")));
        var renewed = worker with { Subjects = next };
        (await renewed.SendAsync(renewed.SubjectToken(scene.User.Id, header: header => header["kid"] = "two"))).ShouldBeGranted();
    }

    internal static void Invalid(Answer answer) => answer.ShouldBeRefused(401, "invalid_grant");

    internal static void Set(JsonObject json, string name, JsonNode? value)
    {
        json.Remove(name);
        if (value is not null)
        {
            json[name] = value;
        }
    }
}
