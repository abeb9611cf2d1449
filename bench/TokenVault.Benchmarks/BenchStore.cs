using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Accounts;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Benchmarks;

/// <summary>
/// Fills a vault with very many users, each with a connected account and a token of 2 KB that lasts, and writes the requests that exchange
/// for ten thousand of them into files for the load generator. The set-up goes through the Management API, the rows straight into the store.
/// </summary>
internal sealed class BenchStore
{
    public const string Connection = "bench";
    public const string TokenPrefix = "bench-token-";

    private const string Api = "https://api.example/";
    private const int Portion = 1_000;
    private const int MostRequests = 10_000;

    private static readonly string[] Scopes = ["calendar.read", "calendar.write"];
    private static readonly TimeSpan Lasting = TimeSpan.FromDays(20);

    private readonly IServiceProvider _services;
    private readonly RequestFiles _files;
    private Credentials _application = null!;
    private Credentials _apiClient = null!;
    private BenchWorker _worker = null!;
    private Client _client = null!;
    private string _connectionId = "";

    private BenchStore(IServiceProvider services, RequestFiles files) => (_services, _files) = (services, files);

    public static async Task<RequestFiles> FillAsync(Deployment deployment, StoreSize size)
    {
        var files = new RequestFiles(deployment.Directory);
        await using var server = await TokenVaultServer.StartAsync([], deployment.Configure);
        var store = new BenchStore(server.Services, files);
        await store.SetUpAsync(deployment, size.TokenUrl);
        await store.FillAsync(size);
        files.Close();
        return files;
    }

    private async Task SetUpAsync(Deployment deployment, string tokenUrl)
    {
        using var vault = new VaultApi(deployment.Address, trusted: null);
        var admin = await Operator.SignInAsync(vault, deployment.Bootstrap());
        _apiClient = await admin.CreateApiAsync(Api);
        _application = Credentials.Of(await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Application",
            ["app_type"] = "regular_web",
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange),
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "non-rotating", ["expiration_type"] = "non-expiring" },
        }));
        _worker = await BenchWorker.CreateAsync(admin, deployment.Issuer);
        var options = new JsonObject
        {
            ["client_id"] = "bench",
            ["client_secret"] = "bench-secret",
            ["scope"] = Scope.Format(Scopes),
            ["authorizationURL"] = "https://provider.example/authorize",
            ["tokenURL"] = tokenUrl,
            ["userInfoURL"] = "https://provider.example/userinfo",
        };
        var connection = await admin.CreateConnectionAsync(Connection, "oauth2", options, _application, _apiClient, _worker.Client);
        _connectionId = connection["id"]!.GetValue<string>();
        _client = (await Storage.FindAsync<Client>(_application.ClientId, CancellationToken.None))!;
    }

    private IStorage Storage => _services.GetRequiredService<IStorage>();

    private async Task FillAsync(StoreSize size)
    {
        var step = Math.Max(1, size.Tokensets / MostRequests);
        var subjects = new List<string>();
        var (firstUses, firstAccesses, refreshes) = (0, 0, 0);
        for (var done = 0; done < size.Tokensets; done += Portion)
        {
            var batch = new Batch();
            for (var i = done; i < Math.Min(size.Tokensets, done + Portion); i++)
            {
                var subject = i % step == 0;
                var refresh = !subject && refreshes < size.Refreshes;
                var userId = Add(batch, i, refresh ? -Lasting : Lasting);
                if (subject)
                {
                    subjects.Add(userId);
                    AddRefreshTokenRequest(RequestKind.RefreshToken, batch, userId);
                    AddAccessTokenRequest(RequestKind.AccessToken, userId);
                }
                else if (refresh)
                {
                    refreshes++;
                    AddRefreshTokenRequest(RequestKind.Refresh, batch, userId);
                }
                else if (firstUses++ < size.FirstUses)
                {
                    AddRefreshTokenRequest(RequestKind.FirstUse, batch, userId);
                }
                else if (firstAccesses++ < size.FirstAccesses)
                {
                    AddAccessTokenRequest(RequestKind.FirstAccess, userId);
                }
            }

            if (!(await Storage.CommitAsync(batch)).Committed)
            {
                throw new InvalidOperationException("The store did not take the rows.");
            }
        }

        for (var i = 0; i < size.WorkerRequests; i++)
        {
            _files.Add(RequestKind.Worker.Name, _worker.Form(subjects[i % subjects.Count]));
        }
    }

    /// <summary>
    /// A user, their account and its token. Ids ascend, though the server's own are random: so that filling the indexes takes minutes
    /// instead of hours. Whoever is asked for later is spread over all of them.
    /// </summary>
    private string Add(Batch batch, int number, TimeSpan left)
    {
        var now = TimeProvider.System.GetUtcNow();
        var id = number.ToString("x8", CultureInfo.InvariantCulture);
        var user = new User
        {
            UserId = Ascending(Identifier.User(), id),
            Connection = Wire.DatabaseConnection,
            Email = $"{id}@example.com",
            CreatedAt = now,
            UpdatedAt = now,
        };
        var account = new ConnectedAccount
        {
            Id = Ascending(Identifier.ConnectedAccount(), id),
            UserId = user.UserId,
            ConnectionId = _connectionId,
            Connection = Connection,
            Strategy = "oauth2",
            TokensetId = Ascending(Identifier.Tokenset(), id),
            Scopes = Scopes,
            CreatedAt = now,
        };
        var tokenset = new Tokenset
        {
            Id = account.TokensetId,
            AccountId = account.Id,
            UserId = user.UserId,
            ConnectionId = _connectionId,
            Connection = Connection,
            Issuer = "https://provider.example/",
            UpstreamUserId = number.ToString("D21", CultureInfo.InvariantCulture),
            UpstreamEmail = user.Email,
            GrantId = Identifier.Secret(),
            SealedTokens = [],
            Scopes = Scopes,
            IssuedAt = now,
            AccessTokenExpiresAt = now + left,
            ConnectedAt = now,
        };
        var access = new Secret(TokenPrefix + user.UserId + string.Concat(Enumerable.Repeat(Identifier.Secret(), 36)));
        var refresh = new Secret(BenchProvider.NewRefreshToken());
        batch.Insert(user).Insert(account).Insert(_services.GetRequiredService<TokensetSealer>().Seal(tokenset, access, refresh));
        return user.UserId;
    }

    /// <summary>An id that keeps its kind's prefix and length.</summary>
    private static string Ascending(string id, string number)
    {
        var start = id.IndexOfAny(['|', '_']) + 1;
        return id[..start] + number + id[(start + number.Length)..];
    }

    private void AddRefreshTokenRequest(RequestKind kind, Batch batch, string userId)
    {
        var (record, refreshToken) = _services.GetRequiredService<RefreshTokens>().Create(_client, userId, audience: null, [Wire.OpenId, Wire.OfflineAccess]);
        batch.Insert(record);
        _files.Add(kind.Name, ExchangeForm.Of(_application, refreshToken.Reveal(), Wire.RefreshTokenType));
    }

    private void AddAccessTokenRequest(RequestKind kind, string userId)
    {
        var claims = new AccessTokenClaims(_application.ClientId, Api, ["read:calendar"], Lasting) { UserId = userId };
        var accessToken = _services.GetRequiredService<AccessTokens>().Issue(claims);
        _files.Add(kind.Name, ExchangeForm.Of(_apiClient, accessToken.Reveal(), Wire.AccessTokenType));
    }
}
