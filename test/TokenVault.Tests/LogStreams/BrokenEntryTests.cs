using System.Text;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.LogStreams;

/// <summary>A vault of its own: the entries stay in its log.</summary>
public sealed class BrokenEntryTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"description":"no type"}""")]
    [InlineData("""{"type":"s","details":{"a":"\ud800"}}""")]
    [InlineData("""{"type":"s","details":{"a":1,"a":2}}""")]
    [InlineData("""{"type":"s","details":"no object"}""")]
    public async Task F_38_An_entry_that_cannot_be_read_ends_no_stream_no_list_and_no_search(string body)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var admin = await scene.AdminAsync();
        var made = await LogStreamTests.CreateAsync(admin, receiver.Address);
        var broken = new AuditRow(Identifier.Log(scene.Clock.GetUtcNow()), scene.Clock.GetUtcNow(), Encoding.UTF8.GetBytes(body));
        broken = broken with { Mac = AuditSeal.Of(scene.Vault.Service<KeyRing>(), broken) };
        await scene.Storage.CommitAsync(new Batch().Append(broken));
        var app = await admin.CreateApplicationAsync("after-it");

        await VaultScene.UntilAsync(() => Task.FromResult(LogStreamTests.Entries(receiver).Exists(entry => (string?)entry["data"]!["details"]?["target"] == app.ClientId)));
        ((string?)LogStreamTests.Entries(receiver).Single(entry => (string?)entry["log_id"] == broken.Id)["data"]!["type"]).ShouldBe("log_entry_corrupt");
        ((string?)(await admin.GetAsync("logs/" + broken.Id)).Json["type"]).ShouldBe("log_entry_corrupt");
        (await admin.GetAsync("logs?per_page=100")).Status.ShouldBe(200);
        (await admin.GetAsync("logs?q=details.a:1")).Status.ShouldBe(200);
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_AU_03_An_entry_that_no_server_wrote_is_neither_sent_nor_shown_as_the_truth(bool isSealedByAnother)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var admin = await scene.AdminAsync();
        var made = await LogStreamTests.CreateAsync(admin, receiver.Address);
        var now = scene.Clock.GetUtcNow();
        var genuine = scene.Vault.Service<AuditLog>().Row(new AuditEvent { Type = "seta", Description = "as it was written" });
        var forged = new AuditRow(Identifier.Log(now), now, Encoding.UTF8.GetBytes("""{"type":"seta","description":"planted-forgery"}"""))
        {
            Mac = isSealedByAnother ? genuine.Mac : null,
        };
        await scene.Storage.CommitAsync(new Batch().Append(forged).Append(genuine));

        await VaultScene.UntilAsync(() => Task.FromResult(LogStreamTests.Entries(receiver).Exists(entry => (string?)entry["log_id"] == genuine.Id)));
        var sent = LogStreamTests.Entries(receiver);
        ((string?)sent.Single(entry => (string?)entry["log_id"] == genuine.Id)["data"]!["description"]).ShouldBe("as it was written");
        ((string?)sent.Single(entry => (string?)entry["log_id"] == forged.Id)["data"]!["type"]).ShouldBe("log_entry_corrupt");
        ((string?)(await admin.GetAsync("logs/" + forged.Id)).Json["type"]).ShouldBe("log_entry_corrupt");
        (await admin.GetAsync("logs?q=description:planted-forgery")).Json.AsArray().ShouldBeEmpty();
        receiver.Accepted.ShouldAllBe(delivery => !delivery.Body.Contains("planted-forgery"));
        await admin.DeleteAsync("log-streams/" + (string?)made["id"]);
    }
}
