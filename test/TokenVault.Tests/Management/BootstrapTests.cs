using System.Text.Json.Nodes;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Management;

public sealed class BootstrapTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vault-bootstrap-");
    private readonly VaultClock _time = new();
    private SqliteStorage _storage = null!;
    private KeyRing _ring = null!;

    private string FileName => Path.Combine(_directory.FullName, "bootstrap.json");

    public async Task InitializeAsync()
    {
        _storage = SqliteStorage.Open(Path.Combine(_directory.FullName, "vault.db"), _time);
        _ring = await KeyRing.OpenAsync(_storage, new RootKeys(Path.Combine(_directory.FullName, "root.key")), _time, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _storage.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task The_first_start_makes_everything_and_says_how_to_get_in()
    {
        await RunAsync(["new:scope"], "-----BEGIN CERTIFICATE-----");
        var file = JsonNode.Parse(await File.ReadAllTextAsync(FileName))!.AsObject();
        file.Select(member => member.Key).ShouldBe(["domain", "issuer", "client_id", "client_secret", "audience", "ca_certificate"]);
        ((string?)file["domain"]).ShouldBe("localhost:8443");
        ((string?)file["issuer"]).ShouldBe("https://localhost:8443/");
        ((string?)file["audience"]).ShouldBe("https://localhost:8443/api/v2/");
        ((string?)file["ca_certificate"]).ShouldBe("-----BEGIN CERTIFICATE-----");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(FileName).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        var client = (await _storage.FindAsync<Client>((string)file["client_id"]!, default)).ShouldNotBeNull();
        client.AppType.ShouldBe("non_interactive");
        client.GrantTypes.ShouldBe(["client_credentials"]);
        client.SecretHash.ShouldBe(_ring.HashSecret((string)file["client_secret"]!));

        var management = (await ApiAsync("api/v2/")).ShouldNotBeNull();
        management.Scopes.Select(scope => scope.Value).ShouldContain("new:scope");
        management.Scopes.Select(scope => scope.Value).ShouldContain("read:federated_connections_tokensets");
        var grant = (await _storage.ListAllAsync<ClientGrant>(null, default)).ShouldHaveSingleItem();
        grant.Scope.ShouldBe(management.Scopes.Select(scope => scope.Value));
        (grant.ClientId, grant.Audience, grant.SubjectType).ShouldBe((client.ClientId, management.Identifier, "client"));

        var account = (await ApiAsync("me/")).ShouldNotBeNull();
        account.Scopes.Select(scope => scope.Value).ShouldBe(["read:me", "update:me", "delete:me", Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts]);
        (account.SubjectTypeAuthorization.User.Policy, account.SubjectTypeAuthorization.Client.Policy).ShouldBe(("require_client_grant", "deny_all"));
        (await _storage.FindByKeyAsync<Connection>("name", Wire.DatabaseConnection, default)).ShouldNotBeNull().IsDatabase.ShouldBeTrue();
        _directory.GetFiles("*.pending").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_later_start_adds_new_scopes_to_the_api_and_to_nobody()
    {
        await RunAsync(["a:scope"]);
        var file = await File.ReadAllTextAsync(FileName);
        var before = (await ApiAsync("api/v2/"))!;
        await RunAsync(["a:scope"]);
        (await ApiAsync("api/v2/"))!.Version.ShouldBe(before.Version);
        await RunAsync(["a:scope", "b:scope"]);
        (await ApiAsync("api/v2/"))!.Scopes.Select(scope => scope.Value).ShouldContain("b:scope");
        (await _storage.ListAllAsync<ClientGrant>(null, default)).ShouldHaveSingleItem().Scope.ShouldNotContain("b:scope");
        (await _storage.ListAllAsync<Client>(null, default)).Count.ShouldBe(1);
        (await File.ReadAllTextAsync(FileName)).ShouldBe(file);
    }

    [Fact]
    public async Task A_client_that_an_operator_deleted_does_not_come_back()
    {
        await RunAsync([]);
        var client = (await _storage.ListAllAsync<Client>(null, default)).Single();
        await _storage.CommitAsync(new Batch().Delete(client));
        File.Delete(FileName);
        await RunAsync([]);
        (await _storage.ListAllAsync<Client>(null, default)).ShouldBeEmpty();
        File.Exists(FileName).ShouldBeFalse();
    }

    [Fact]
    public async Task A_start_that_died_before_its_commit_is_undone_by_the_next()
    {
        new BootstrapFile(_directory.FullName).WritePending("https://localhost:8443/", "dead", "secret", caCertificate: null);
        await RunAsync([]);
        (await File.ReadAllTextAsync(FileName)).ShouldNotContain("dead");
        _directory.GetFiles("*.pending").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_start_that_died_after_its_commit_is_finished_by_the_next()
    {
        await RunAsync([]);
        var client = (await _storage.ListAllAsync<Client>(null, default)).Single();
        var content = await File.ReadAllTextAsync(FileName);
        File.Move(FileName, Path.Combine(_directory.FullName, $"bootstrap.json.{client.ClientId}.pending"));
        await RunAsync([]);
        (await File.ReadAllTextAsync(FileName)).ShouldBe(content);
    }

    [Fact]
    public async Task Of_two_nodes_that_start_together_on_one_store_one_sets_it_up()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(node => RunAsync([], directory: Path.Combine(_directory.FullName, "node" + node))));
        var client = (await _storage.ListAllAsync<Client>(null, default)).ShouldHaveSingleItem();
        var files = _directory.GetFiles("bootstrap.json*", SearchOption.AllDirectories).ShouldHaveSingleItem();
        (await File.ReadAllTextAsync(files.FullName)).ShouldContain(client.ClientId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_looks_just_before_another_is_first_takes_what_that_one_made(bool looksTwice)
    {
        var late = new LateStorage(_storage, looksTwice, () => RunAsync([], directory: Path.Combine(_directory.FullName, "first")));
        (await RunAsync([], directory: Path.Combine(_directory.FullName, "second"), storage: late)).ShouldBeFalse();
        (await _storage.ListAllAsync<Client>(null, default)).ShouldHaveSingleItem();
        _directory.GetFiles("bootstrap.json*", SearchOption.AllDirectories).ShouldHaveSingleItem().DirectoryName.ShouldEndWith("first");
    }

    [Fact]
    public async Task A_node_that_looks_just_before_one_of_another_issuer_is_first_says_so()
    {
        var other = new TokenVaultOptions { Issuer = "https://other.example/", DataDirectory = Path.Combine(_directory.FullName, "other") };
        var late = new LateStorage(_storage, looksTwice: true, () => new Bootstrap(_storage, _ring, new AuditLog(_ring, _time), other, _time).RunAsync([], null, default));
        (await Should.ThrowAsync<StartupException>(() => RunAsync([], storage: late))).Message.ShouldContain("https://other.example/");
        (await _storage.ListAllAsync<Client>(null, default)).ShouldHaveSingleItem();
        _directory.GetFiles("bootstrap.json*", SearchOption.AllDirectories).ShouldHaveSingleItem().DirectoryName.ShouldEndWith("other");
    }

    [Fact]
    public async Task Another_issuer_on_the_same_store_is_refused()
    {
        await RunAsync([]);
        var options = new TokenVaultOptions { Issuer = "https://other.example/", DataDirectory = _directory.FullName };
        var bootstrap = new Bootstrap(_storage, _ring, new AuditLog(_ring, _time), options, _time);
        (await Should.ThrowAsync<StartupException>(() => bootstrap.RunAsync([], null, default))).Message.ShouldContain("https://other.example/");
    }

    private Task<bool> RunAsync(string[] scopes, string? certificate = null, string? directory = null, IStorage? storage = null) =>
        new Bootstrap(storage ?? _storage, _ring, new AuditLog(_ring, _time), new TokenVaultOptions { DataDirectory = directory ?? _directory.FullName }, _time)
            .RunAsync(scopes, certificate, CancellationToken.None);

    private async Task<ResourceServer?> ApiAsync(string path) =>
        await _storage.FindByKeyAsync<ResourceServer>("identifier", "https://localhost:8443/" + path, CancellationToken.None);

    /// <summary>Something else happens right after the first look for a row by its key, or after the list that follows.</summary>
    private sealed class LateStorage(IStorage inner, bool looksTwice, Func<Task> meanwhile) : StorageDecorator(inner)
    {
        private Func<Task>? _meanwhile = meanwhile;

        public override async ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken)
        {
            var found = await base.FindByKeyAsync(kind, keyName, keyValue, cancellationToken);
            await HappenAsync(!looksTwice);
            return found;
        }

        public override async ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken)
        {
            var found = await base.ListAsync(query, cancellationToken);
            await HappenAsync(looksTwice);
            return found;
        }

        private Task HappenAsync(bool now) => now && Interlocked.Exchange(ref _meanwhile, null) is { } happens ? happens() : Task.CompletedTask;
    }
}
