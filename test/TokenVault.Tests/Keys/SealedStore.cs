using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Keys;

/// <summary>Fills a store with rows of every noun that holds sealed values.</summary>
internal sealed class SealedStore(IStorage storage, KeyRing ring, TimeProvider time)
{
    private const int RowsPerCommit = 200;

    private readonly TokensetSealer _tokensets = new(ring);
    private readonly ConnectSealer _connects = new(ring);

    /// <summary>The secrets that were sealed, in the clear.</summary>
    public static Secret TokenOf(string id) => new($"access-token-of-{id}");

    public async Task FillAsync(int tokensets, int others = 10)
    {
        await (await SigningKeys.OpenAsync(storage, ring, new VaultKeys().Make, time, CancellationToken.None)).DisposeAsync();
        await InsertAsync(Enumerable.Range(0, others).Select(_ => Connection()));
        await InsertAsync(Enumerable.Range(0, tokensets).Select(_ => Tokenset(Identifier.User(), "con_1", "calendar")));
        await InsertAsync(Enumerable.Range(0, others).Select(_ => Receipt()));
        await InsertAsync(Enumerable.Range(0, others).Select(_ => Spare()));
        await InsertAsync(Enumerable.Range(0, others).Select(_ => Revocation()));
        await InsertAsync(Enumerable.Range(0, others).Select(_ => ConnectRequest()));
        await InsertAsync(Enumerable.Range(0, others).Select(_ => Held()));
    }

    public async Task InsertAsync<T>(IEnumerable<T> records)
        where T : class, IRecord<T>
    {
        foreach (var chunk in records.Chunk(RowsPerCommit))
        {
            var batch = new Batch();
            Array.ForEach(chunk, record => batch.Insert(record));
            (await storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        }
    }

    public Tokenset Tokenset(string userId, string connectionId, string connection)
    {
        var id = Identifier.Tokenset();
        var tokenset = new Tokenset
        {
            Id = id,
            AccountId = Identifier.ConnectedAccount(),
            UserId = userId,
            ConnectionId = connectionId,
            Connection = connection,
            GrantId = Identifier.Secret(),
            SealedTokens = [],
            Scopes = ["calendar.read"],
            IssuedAt = time.GetUtcNow(),
            AccessTokenExpiresAt = time.GetUtcNow().AddDays(1),
            ConnectedAt = time.GetUtcNow(),
        };
        return _tokensets.Seal(tokenset, TokenOf(id), new Secret("refresh-token-of-" + id));
    }

    public Connection Connection()
    {
        var id = Identifier.Connection();
        return new Connection
        {
            Id = id,
            Name = id,
            Strategy = "oidc",
            Options = new ConnectionOptions { ClientId = "client", SealedClientSecret = ConnectionSecret.Seal(ring, id, new Secret("client-secret")) },
            Key = ConnectionKey.Create(ring, id, "ES256", time.GetUtcNow()),
            NextKey = ConnectionKey.Create(ring, id, "ES256", time.GetUtcNow()),
        };
    }

    private RefreshReceipt Receipt()
    {
        var receipt = new RefreshReceipt
        {
            Id = Identifier.Secret(),
            TokensetId = Identifier.Tokenset(),
            UserId = Identifier.User(),
            AccountId = "cac_1",
            ConnectionId = "con_1",
            SealedAnswer = [],
            ForgottenAt = time.GetUtcNow().AddDays(90),
        };
        return receipt with { SealedAnswer = Received().Seal(ring, receipt.Identity()) };
    }

    private RefreshSpare Spare()
    {
        var spare = new RefreshSpare
        {
            Id = Identifier.Secret(),
            TokensetId = Identifier.Tokenset(),
            GrantId = "grant",
            UserId = Identifier.User(),
            AccountId = "cac_1",
            ConnectionId = "con_1",
            SealedAnswer = [],
        };
        return spare with { SealedAnswer = Received().Seal(ring, spare.Identity()) };
    }

    private PendingRevocation Revocation()
    {
        var revocation = new PendingRevocation
        {
            Id = "rev_" + Identifier.Secret(),
            UserId = Identifier.User(),
            AccountId = "cac_1",
            TokensetId = Identifier.Tokenset(),
            Connection = Connection(),
            Hint = "refresh_token",
            CreatedAt = time.GetUtcNow(),
        };
        return revocation with { SealedToken = ring.SealText(new Secret("token"), revocation.Identity()) };
    }

    private ConnectRequest ConnectRequest()
    {
        var request = new ConnectRequest
        {
            Id = Identifier.Hash(Identifier.Secret()),
            UserId = Identifier.User(),
            ClientId = "client",
            ConnectionId = "con_1",
            RedirectUri = "https://app.example/callback",
            TicketHash = Identifier.Hash(Identifier.Secret()),
            Deadline = time.GetUtcNow().AddDays(90),
        };
        return request with { SealedProof = _connects.Seal(request, new ConnectProof("verifier", "nonce")) };
    }

    private HeldGrant Held() => _connects.Hold(
        ConnectRequest(), Connection(), new PendingGrant("token", "refresh", ["calendar.read"], ExpiresAt: null), time.GetUtcNow().AddDays(90));

    private ReceivedTokens Received() => new("access", "refresh", ["calendar.read"], ExpiresAt: null, time.GetUtcNow(), SentHash: "hash");
}
