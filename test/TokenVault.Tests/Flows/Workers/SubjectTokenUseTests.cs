using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>That a worker's subject token is used up with the trace it leaves, and what the names of used ones cost. These tests move the clock.</summary>
public sealed class SubjectTokenUseTests(WorkerScene scene) : IClassFixture<WorkerScene>
{
    /// <summary>The full measure is 1000000: <c>TOKENVAULT_JTIS=1000000 dotnet test --filter T_PW_04</c>.</summary>
    private static readonly int Names =
        int.TryParse(Environment.GetEnvironmentVariable("TOKENVAULT_JTIS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 20_000;

    [Fact]
    public async Task T_PW_03_an_exchange_that_fails_uses_the_subject_token_up_too()
    {
        var worker = await scene.NewWorkerAsync();
        var user = await scene.NewUserAsync();
        var early = worker.SubjectToken(user.Id);
        (await worker.SendAsync(early))["reason"].ShouldBe("not_connected");
        await user.ConnectAsync(person: "grace");
        (await worker.SendAsync(early)).ShouldBeRefused(401, "invalid_grant");
        (await worker.ExchangeAsync(user.Id)).ShouldBeGranted();

        // So does one for a user who is not there, at a connection that is none.
        var nobody = worker.SubjectToken("auth0|nobody");
        (await worker.SendAsync(nobody)).ShouldBeRefused(403, "invalid_grant");
        (await worker.SendAsync(nobody)).ShouldBeRefused(401, "invalid_grant");
        var elsewhere = worker.SubjectToken(user.Id);
        (await worker.SendAsync(elsewhere, ("connection", "none"))).ShouldBeRefused(400, "invalid_request");
        (await worker.SendAsync(elsewhere)).ShouldBeRefused(401, "invalid_grant");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_PW_03_the_name_is_stored_in_the_transaction_of_the_audit_row_or_not_at_all(bool refused)
    {
        var batches = new List<Batch>();
        var storage = new TamperedStorage(scene.Storage) { Committed = batches.Add, Refuses = _ => refused };
        var audit = new ExchangeAudit(storage, scene.Vault.Service<AuditLog>(), scene.Vault.Service<TokensetUses>(), scene.Clock, NullLogger<ExchangeAudit>.Instance);
        var spent = SpentJti.Of(SpentJti.SubjectToken, "client", Identifier.Secret(), scene.Clock.GetUtcNow().AddMinutes(5));
        var request = new ExchangeRequest(new Secret("x"), Wire.JwtType, Wire.VaultAccessTokenType, VaultScene.Calendar);
        var attempt = new ExchangeAttempt(request, new Client { ClientId = "client", Name = "A worker" }, new RequestOrigin("127.0.0.1", UserAgent: null))
        {
            Subject = new Subject(new User { UserId = "auth0|x", Connection = Wire.DatabaseConnection }, [], "A reason", spent),
        };
        var failing = async () => await audit.FailedAsync(attempt, ExchangeErrors.NotConnected("no account"));
        if (refused)
        {
            await failing.ShouldThrowAsync<IOException>();
            (await scene.Storage.FindAsync<SpentJti>(spent.Id, default)).ShouldBeNull();
            return;
        }

        await failing();
        var operations = batches.ShouldHaveSingleItem().Operations;
        operations.OfType<InsertOperation>().ShouldHaveSingleItem().Entity.Id.ShouldBe(spent.Id);
        operations.OfType<AppendOperation>().ShouldHaveSingleItem();

        // A second trace is left all the same, when the name is taken.
        await failing();
        batches[^1].Operations.ShouldHaveSingleItem().ShouldBeOfType<AppendOperation>();
    }

    [Fact]
    public async Task T_PW_04_names_take_little_room_and_are_gone_when_their_time_is_over()
    {
        const int chunk = 1000;
        const int mostBytesEach = 600;
        var until = scene.Clock.GetUtcNow().AddMinutes(5);
        var before = Size();
        for (var done = 0; done < Names; done += chunk)
        {
            var batch = new Batch();
            for (var i = 0; i < chunk; i++)
            {
                batch.Insert(SpentJti.Of(SpentJti.SubjectToken, "flood", new string('x', 200) + (done + i), until));
            }

            (await scene.Storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        }

        (Size() - before).ShouldBeLessThan((long)Names * mostBytesEach * 2);
        (await scene.Storage.CountAsync(new ListQuery("jti"), default)).ShouldBeGreaterThanOrEqualTo(Names);
        scene.Clock.Advance(TimeSpan.FromMinutes(7));
        (await scene.Storage.CountAsync(new ListQuery("jti"), default)).ShouldBe(0);

        // In bounded bites, so that nobody waits for all of it; what was freed is used again.
        for (var bites = 0; await scene.Storage.PurgeExpiredAsync(500, default) == 500; bites++)
        {
            bites.ShouldBeLessThanOrEqualTo((Names / 500) + 100);
        }

        (await (await scene.NewWorkerAsync()).ExchangeAsync(scene.User.Id)).ShouldBeGranted();

        // The log before its checkpoint counts too.
        long Size() => Directory.EnumerateFiles(scene.Vault.DataDirectory, "vault.db*").Sum(file => new FileInfo(file).Length);
    }
}
