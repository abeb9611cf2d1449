using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Demo;
using TokenVault.Server.LogStreams;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.LogStreams;

public sealed class LogStreamTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task Deliveries_are_signed_in_order_and_of_the_wanted_categories()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, receiver.Address, "auth.token_exchange.success");
        var secret = (string)made["signing_secret"]!;
        var user = await scene.ConnectedUserAsync();
        for (var i = 0; i < 12; i++)
        {
            (await user.ExchangeAsync()).Status.ShouldBe(200);
        }

        await VaultScene.UntilAsync(() => Task.FromResult(Entries(receiver).Count(entry => Is(entry, "seta", user)) == 12));

        var ids = Entries(receiver).Select(entry => (string)entry["log_id"]!).ToList();
        var stored = (await scene.Storage.ReadAuditAsync(0, 10_000, CancellationToken.None)).Select(row => row.Id).Where(ids.Contains);
        ids.ShouldBe(stored);
        Entries(receiver).Select(entry => (string?)entry["data"]!["type"]).Distinct().ShouldBeSubsetOf(["seta", "seacft", "sertft", "seccft"]);
        foreach (var delivery in receiver.Accepted)
        {
            delivery.Headers.Authorization.ToString().ShouldBe("Bearer receivers-own-token");
            var signature = delivery.Headers["TokenVault-Signature"].ToString();
            signature.ShouldMatch("^t=[0-9]+,head=[0-9]+:[0-9a-f]{32},v1=[0-9a-f]{64}$");
            var (signed, mac) = (signature[..signature.LastIndexOf(",v1=", StringComparison.Ordinal)], signature[^64..]);
            Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{signed}.{delivery.Body}"))).ShouldBe(mac);
        }

        // The secrets are told once or never.
        var shown = await admin.GetAsync("log-streams/" + (string?)made["id"]);
        shown.Text.ShouldNotContain(secret);
        shown.Text.ShouldNotContain("receivers-own-token");
        (await admin.GetAsync("log-streams")).Json.AsArray().ShouldContain(stream => (string?)stream!["id"] == (string?)made["id"]);
        (await admin.DeleteAsync("log-streams/" + (string?)made["id"])).Status.ShouldBe(204);
    }

    [Fact]
    public async Task F_26_A_receiver_that_hangs_delays_neither_exchanges_nor_other_receivers()
    {
        await using var stuck = await WebhookReceiver.StartAsync();
        await using var sound = await WebhookReceiver.StartAsync();
        stuck.Status = 0;
        var admin = await scene.AdminAsync();
        var (first, second) = (await CreateAsync(admin, stuck.Address), await CreateAsync(admin, sound.Address));
        var user = await scene.ConnectedUserAsync();
        await VaultScene.UntilAsync(() => Task.FromResult(stuck.Calls > 0));

        for (var i = 0; i < 30; i++)
        {
            (await user.ExchangeAsync()).Status.ShouldBe(200);
        }

        await VaultScene.UntilAsync(() => Task.FromResult(Entries(sound).Count(entry => Is(entry, "seta", user)) == 30));
        stuck.Calls.ShouldBe(1);
        stuck.Accepted.ShouldBeEmpty();

        // It comes back: nothing was lost, and nothing has changed places.
        stuck.Status = 200;
        await scene.TickUntilAsync(() => Task.FromResult(Entries(stuck).Count(entry => Is(entry, "seta", user)) == 30), TimeSpan.FromSeconds(1));
        var ids = Entries(stuck).Select(entry => (string)entry["log_id"]!).ToList();
        ids.ShouldBe(ids.Distinct());
        ids.ShouldBe((await scene.Storage.ReadAuditAsync(0, 10_000, CancellationToken.None)).Select(row => row.Id).Where(ids.Contains));
        await admin.DeleteAsync("log-streams/" + (string?)first["id"]);
        await admin.DeleteAsync("log-streams/" + (string?)second["id"]);
    }

    [Fact]
    public async Task A_receiver_that_fails_for_a_day_is_suspended_with_an_event_and_goes_on_where_it_stopped()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Status = 503;
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, receiver.Address);
        var id = (string)made["id"]!;
        var marked = await admin.CreateApplicationAsync("after-the-stream-began");
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Calls > 0));

        await scene.TickUntilAsync(async () => (await scene.AuditAsync("log_stream_suspended")).Any(e => (string?)e["details"]!["log_stream_id"] == id), TimeSpan.FromMinutes(3));
        admin = await scene.AdminAsync();
        ((string?)(await admin.GetAsync("log-streams/" + id)).Json["status"]).ShouldBe("suspended");
        receiver.Accepted.ShouldBeEmpty();

        receiver.Status = 200;
        (await admin.PatchAsync("log-streams/" + id, new JsonObject { ["status"] = "active" })).Status.ShouldBe(200);
        await VaultScene.UntilAsync(() => Task.FromResult(Entries(receiver).Exists(entry => (string?)entry["data"]!["details"]?["target"] == marked.ClientId)));
        await admin.DeleteAsync("log-streams/" + id);
    }

    [Fact]
    public async Task T_AU_05_No_text_forges_an_entry_of_a_stream_or_a_list()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, receiver.Address, "auth.logout.fail");
        const string forgery = "x\r\n{\"log_id\":\"900forged\",\"data\":{\"type\":\"seta\"}}\n\u2028\u0085\u001b[2K\"},";
        var row = scene.Vault.Service<AuditLog>().Row(new AuditEvent { Type = AuditType.FailedLogout, Description = forgery, UserName = forgery, UserAgent = forgery });
        await scene.Storage.CommitAsync(new Batch().Append(row));

        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count > 0));
        var entry = Entries(receiver).ShouldHaveSingleItem();
        ((string?)entry["log_id"], (string?)entry["data"]!["description"]).ShouldBe((row.Id, forgery));
        ((string?)(await admin.GetAsync("logs/" + row.Id)).Json["user_name"]).ShouldBe(forgery);
        (await admin.GetAsync("logs/900forged")).Status.ShouldBe(404);
        scene.Vault.Log.Text.ShouldNotContain("900forged");
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }

    [Fact]
    public async Task A_long_answer_of_a_receiver_that_accepts_is_no_failure()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        (receiver.Status, receiver.AnswerLength) = (200, 1024 * 1024);
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, receiver.Address);
        var app = await admin.CreateApplicationAsync("Answered at length");

        await VaultScene.UntilAsync(() => Task.FromResult(Entries(receiver).Exists(entry => (string?)entry["data"]!["details"]?["target"] == app.ClientId)));
        await VaultScene.UntilAsync(async () => (await StateAsync(made)).Sequence >= (await scene.Storage.FindAuditAsync((string)Entries(receiver)[^1]["log_id"]!, default))!.Sequence);
        (await StateAsync(made)).Failures.ShouldBe(0);
        Entries(receiver).Select(entry => (string)entry["log_id"]!).ShouldBeUnique();
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }

    [Fact]
    public async Task What_is_not_for_a_stream_costs_no_commit()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, receiver.Address, "auth.logout.success");
        var before = await StateAsync(made);
        var batch = new Batch();
        for (var i = 0; i < 350; i++)
        {
            batch.Append(scene.Vault.Service<AuditLog>().Row(new AuditEvent { Type = AuditType.ManagementWrite }));
        }

        await scene.Storage.CommitAsync(batch.Append(scene.Vault.Service<AuditLog>().Row(new AuditEvent { Type = AuditType.SuccessfulLogout })));

        await VaultScene.UntilAsync(async () => (await StateAsync(made)).Version > before.Version);
        Entries(receiver).ShouldHaveSingleItem();
        (await StateAsync(made)).Version.ShouldBe(before.Version + 1);
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }

    private async Task<LogStreamState> StateAsync(JsonNode stream) =>
        (await scene.Storage.FindAsync<LogStreamState>((string)stream["id"]!, CancellationToken.None))!;

    [Theory]
    [InlineData("http://receiver.example/hook")]
    [InlineData("file:///etc/passwd")]
    [InlineData("receiver")]
    public async Task T_AU_07_Only_web_addresses_are_taken(string endpoint)
    {
        var answer = await (await scene.AdminAsync()).PostAsync("log-streams", Body(endpoint));
        answer.Status.ShouldBe(400, answer.Text);
    }

    [Fact]
    public async Task T_AU_07_A_receiver_in_a_network_that_is_not_public_is_not_called()
    {
        var admin = await scene.AdminAsync();
        var made = await CreateAsync(admin, "https://10.11.12.13/hook");
        await VaultScene.UntilAsync(() => Task.FromResult(scene.Vault.Log.Text.Contains(
            $"Log stream {(string?)made["id"]} could not be delivered, and is tried again: refused", StringComparison.Ordinal)));
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }

    internal static JsonObject Body(string endpoint, params string[] categories) => new()
    {
        ["name"] = "A receiver",
        ["type"] = "http",
        ["sink"] = new JsonObject
        {
            ["httpEndpoint"] = endpoint,
            ["httpContentType"] = "application/json",
            ["httpContentFormat"] = "JSONLINES",
            ["httpAuthorization"] = "Bearer receivers-own-token",
        },
        ["filters"] = new JsonArray([.. categories.Select(name => new JsonObject { ["type"] = "category", ["name"] = name })]),
    };

    internal static List<JsonNode> Entries(WebhookReceiver receiver) =>
        [.. receiver.Accepted.SelectMany(delivery => delivery.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(line => JsonNode.Parse(line)!)];

    internal static async Task<JsonNode> CreateAsync(Operator admin, string endpoint, params string[] categories)
    {
        var answer = await admin.PostAsync("log-streams", Body(endpoint, categories));
        answer.Status.ShouldBe(201, answer.Text);
        return answer.Json;
    }

    private static bool Is(JsonNode entry, string type, TestUser user) =>
        (string?)entry["data"]!["type"] == type && (string?)entry["data"]!["user_id"] == user.Id;
}
