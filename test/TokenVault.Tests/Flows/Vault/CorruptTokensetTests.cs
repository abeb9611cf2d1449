using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Somebody, or something, writes to the database past the server.</summary>
public sealed class CorruptTokensetTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<string> Damages { get; } =
    [
        "not json", "empty", "json null", "an array", "another id", "another user", "another connection", "no user", "no tokens",
        "tokens null", "tokens no base64",
        "tokens empty", "tokens cut", "first byte", "key id", "nonce", "middle", "tag", "another account", "another grant",
        "older generation", "newer generation",
    ];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task T_EN_03_F_38_A_damaged_tokenset_is_refused_and_alarmed_and_a_reconnect_repairs_it(string damage)
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        var bystander = await scene.ConnectedUserAsync();
        var token = await user.MyTokenAsync();
        var row = await RowAsync(user);
        await WriteAsync(row, Damaged(damage, row.Body));
        var calls = scene.Provider.Refresh.Calls;

        foreach (var refused in (Answer[])[await user.ExchangeAsync(), await user.ExchangeByAccessTokenAsync()])
        {
            (refused.Status, refused["error"], refused["reason"])
                .ShouldBe((401, "federated_connection_refresh_token_flow_failed", "reauthorization_required"), refused.Text);
            refused.Text.ShouldNotContain(row.Id);
        }

        scene.Provider.Refresh.Calls.ShouldBe(calls);
        (await bystander.ExchangeAsync()).Status.ShouldBe(200);
        (await scene.AuditAsync("tokenset_corrupt", user.Id)).ShouldAllBe(e => (string?)e["details"]!["tokenset_id"] == row.Id);
        (await scene.AuditAsync("tokenset_corrupt", user.Id)).Count.ShouldBe(2);
        scene.Vault.Log.Text.ShouldContain($"The stored tokenset {row.Id} is corrupt");

        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, token)).Json["accounts"]!.AsArray().Count.ShouldBe(1);
        var again = await user.ConnectAsync();
        ((string?)again["id"]).ShouldBe((string?)account["id"]);
        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, token)).Json["accounts"]!.AsArray().Count.ShouldBe(1);
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_EN_02_The_tokensets_of_two_users_swapped_open_for_neither(bool wholeRows)
    {
        var ada = await scene.ConnectedUserAsync(person: "ada");
        var grace = await scene.ConnectedUserAsync(person: "grace");
        var (adas, graces) = (await RowAsync(ada), await RowAsync(grace));

        await WriteAsync(adas, wholeRows ? graces.Body : With(adas.Body, "sealed_tokens", Member(graces.Body, "sealed_tokens")));
        await WriteAsync(graces, wholeRows ? adas.Body : With(graces.Body, "sealed_tokens", Member(adas.Body, "sealed_tokens")));

        (await ada.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
        (await grace.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
        await ada.ConnectAsync(person: "ada");
        scene.Provider.UserOf((await ada.ExchangeAsync())["access_token"]!).ShouldBe("ada");
        (await grace.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
    }

    [Fact]
    public async Task T_EN_02_A_row_relabelled_to_a_thief_does_not_take_the_owners_next_tokens_to_them()
    {
        var owner = await scene.ConnectedUserAsync(person: "ada");
        var thief = await scene.NewUserAsync();
        var row = await RowAsync(owner);
        await WriteAsync(row, With(With(row.Body, "user_id", thief.Id), "account_id", "cac_0000000000000000000000"));

        await owner.ConnectAsync(person: "ada");

        (await thief.ExchangeAsync())["reason"].ShouldBe("not_connected");
        (await RowAsync(owner)).ToRecord<Tokenset>().UserId.ShouldBe(owner.Id);
        (await owner.ExchangeAsync()).Status.ShouldBe(200);
        var token = await owner.MyTokenAsync();
        var account = (await owner.MyAsync(HttpMethod.Get, VaultScene.Accounts, token)).Json["accounts"]!.AsArray().ShouldHaveSingleItem()!;
        (await owner.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", token)).Status.ShouldBe(204);
        (await owner.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    [Fact]
    public async Task T_EN_02_An_old_version_of_the_tokens_does_not_open_in_the_new_row()
    {
        var user = await scene.ConnectedUserAsync();
        var old = (await RowAsync(user)).Body;
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        var now = await RowAsync(user);

        await WriteAsync(now, With(now.Body, "sealed_tokens", Member(old, "sealed_tokens")));

        (await user.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
    }

    [Fact]
    public async Task T_EN_03_No_flipped_byte_of_the_sealed_tokens_opens()
    {
        var user = await scene.ConnectedUserAsync();
        var row = await RowAsync(user);
        var tokenset = row.ToRecord<Tokenset>();
        var sealer = scene.Vault.Service<TokensetSealer>();
        sealer.Open(tokenset).AccessToken.Reveal().ShouldBe(scene.Provider.Commits[^1].AccessToken);

        for (var i = 0; i < tokenset.SealedTokens.Length; i++)
        {
            foreach (var bit in (byte[])[0x01, 0x80])
            {
                var flipped = tokenset.SealedTokens.ToArray();
                flipped[i] ^= bit;
                Should.Throw<CorruptRecordException>(() => sealer.Open(tokenset with { SealedTokens = flipped }));
            }
        }
    }

    [Fact]
    public async Task F_38_The_other_accounts_of_the_same_user_go_on_working()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync(person: "ada");
        var bad = await RowAsync(user);
        await user.ConnectAsync(person: "grace");
        await WriteAsync(bad, Encoding.UTF8.GetBytes("{"));

        scene.Provider.UserOf((await user.ExchangeAsync())["access_token"]!).ShouldBe("grace");
        (await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "grace" })).Status.ShouldBe(200);
        (await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "ada" }))["reason"].ShouldBe("reauthorization_required");
    }

    [Fact]
    public async Task F_38_An_operator_still_lists_the_rest_and_removes_the_broken_one()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync(person: "ada");
        var bad = await RowAsync(user);
        await user.ConnectAsync(person: "grace");
        await WriteAsync(bad, Encoding.UTF8.GetBytes("{}"));
        var admin = await scene.AdminAsync();
        var path = $"users/{Uri.EscapeDataString(user.Id)}/federated-connections-tokensets";

        var list = await admin.GetAsync(path);
        list.Status.ShouldBe(200, list.Text);
        list.Json.AsArray().Count.ShouldBe(1);
        (await admin.DeleteAsync($"{path}/{bad.Id}")).Status.ShouldBe(204);

        (await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "ada" }))["reason"].ShouldBe("not_connected");
        (await scene.Storage.FindAsync(Tokenset.Kind, bad.Id, CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task F_38_The_owner_disconnects_a_broken_account()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        await WriteAsync(await RowAsync(user), [0xFF, 0xFE, 0x00]);

        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await user.MyTokenAsync())).Status.ShouldBe(204);

        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    private async Task<Entity> RowAsync(TestUser user)
    {
        var query = new ListQuery(Tokenset.Kind) { Index = EntityKey.Index("user", user.Id) };
        return (await scene.Storage.ListAsync(query, CancellationToken.None)).ShouldHaveSingleItem();
    }

    /// <summary>Another body under the keys that the row has.</summary>
    private async Task WriteAsync(Entity row, byte[] body)
    {
        var keys = row.ToRecord<Tokenset>().ToEntity().Keys;
        (await scene.Storage.CommitAsync(new Batch().Add(new ReplaceOperation(row with { Body = body, Keys = keys })))).Committed.ShouldBeTrue();
    }

    private static byte[] Damaged(string damage, byte[] body)
    {
        var sealedTokens = Convert.FromBase64String((string)Member(body, "sealed_tokens")!);
        var generation = (int)Member(body, "generation")!;
        return damage switch
        {
            "not json" => Encoding.UTF8.GetBytes("{\"id\":"),
            "empty" => [],
            "json null" => Encoding.UTF8.GetBytes("null"),
            "an array" => Encoding.UTF8.GetBytes("[]"),
            "another id" => With(body, "id", "fct_0000000000000000000000"),
            "another user" => With(body, "user_id", "auth0|000000000000000000000000"),
            "another connection" => With(body, "connection_id", "con_0000000000000000"),
            "no user" => With(body, "user_id", null),
            "no tokens" => With(body, "sealed_tokens", remove: true),
            "tokens null" => With(body, "sealed_tokens", null),
            "tokens no base64" => With(body, "sealed_tokens", "!"),
            "tokens empty" => With(body, "sealed_tokens", ""),
            "tokens cut" => With(body, "sealed_tokens", Convert.ToBase64String(sealedTokens[..^1])),
            "first byte" => Flipped(0),
            "key id" => Flipped(4),
            "nonce" => Flipped(sealedTokens.Length / 3),
            "middle" => Flipped(sealedTokens.Length / 2),
            "tag" => Flipped(sealedTokens.Length - 1),
            "another account" => With(body, "account_id", "cac_0000000000000000000000"),
            "another grant" => With(body, "grant_id", "x"),
            "older generation" => With(body, "generation", generation - 1),
            "newer generation" => With(body, "generation", generation + 1),
            _ => throw new ArgumentOutOfRangeException(nameof(damage), damage, message: null),
        };

        byte[] Flipped(int at)
        {
            sealedTokens[at] ^= 0x10;
            return With(body, "sealed_tokens", Convert.ToBase64String(sealedTokens));
        }
    }

    private static JsonNode? Member(byte[] body, string name) => JsonNode.Parse(body)![name]?.DeepClone();

    private static byte[] With(byte[] body, string member, JsonNode? value = null, bool remove = false)
    {
        var json = JsonNode.Parse(body)!.AsObject();
        json.ContainsKey(member).ShouldBeTrue(member);
        json[member] = value;
        if (remove)
        {
            json.Remove(member);
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }
}
