using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Keys;

/// <summary>The verbs of <c>tokenvault-server keys</c> on a box: with the server running, and with none.</summary>
public sealed class KeysCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-keys-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData]
    [InlineData("lists")]
    [InlineData("list", "--root")]
    [InlineData("rotate", "--branch")]
    [InlineData("--root", "rotate")]
    [InlineData("verify", "all")]
    public async Task Arguments_that_are_none_show_the_usage(params string[] args)
    {
        await using var output = new StringWriter();
        (await KeysCommand.RunAsync(args, output, new ConfigurationBuilder().Build())).ShouldBe(2);
        output.ToString().ShouldStartWith("usage: tokenvault-server keys list");
    }

    [Fact]
    public async Task Without_a_server_the_verbs_work_on_the_file()
    {
        await FillAsync();

        var before = await RunAsync("list");
        (await RunAsync("rotate")).ShouldContain("generation 2");
        var rewrapped = await RunAsync("rewrap");
        var after = await RunAsync("list");

        before.ShouldMatch(@"Root key   root_[0-9a-f]{16}\nVault keys\n  vk_[0-9a-f]{16}  generation 1   active .* 185 values\nSigning keys\n");
        before.Split('\n').Count(line => line.Contains("ES256", StringComparison.Ordinal) || line.Contains("RS256", StringComparison.Ordinal)).ShouldBe(4);
        rewrapped.ShouldStartWith("Waiting until the newest vault key seals");
        rewrapped.ShouldContain("Pass 1: 115 rows");
        rewrapped.ShouldContain("Re-wrapped 115 rows.");
        after.ShouldMatch(@"generation 2   active .* 185 values\n  vk_[0-9a-f]{16}  generation 1   previous .* 0 values\n");
        (await RunAsync("verify")).ShouldEndWith("Opened 185 values in 115 rows; 0 do not open.\n");
        File.Exists(Path.Combine(_directory.FullName, "control.sock")).ShouldBeFalse();
    }

    [Fact]
    public async Task What_does_not_open_is_named_by_kind_and_id_and_the_exit_code_says_so()
    {
        await FillAsync();
        string id;
        await using (var storage = OpenStorage())
        {
            var tokenset = (await storage.ListAllAsync<Tokenset>(index: null, CancellationToken.None))[7];
            id = tokenset.Id;
            tokenset.SealedTokens[90] ^= 4;
            await storage.CommitAsync(new Batch().Replace(tokenset).Put(new Server.Accounts.ConnectedAccount { Id = "a", UserId = "u", ConnectionId = "c", Connection = "c", Strategy = "s", TokensetId = "t" }));
            var row = (await storage.ListAsync(new ListQuery("refresh-spare"), CancellationToken.None))[0];
            await storage.CommitAsync(new Batch().Rewrite(row with { Body = "{}"u8.ToArray() }));
        }

        var output = await RunAsync("verify", code: 1);

        output.ShouldContain($"broken: tokenset {id}: SealedTokens\n");
        output.ShouldMatch("broken: refresh-spare [A-Za-z0-9_-]{43}: the whole row\n");
        output.ShouldEndWith("; 2 do not open.\n");
        output.ShouldNotContain("token-of");
        await RunAsync("rotate");
        (await RunAsync("rewrap", code: 1)).ShouldContain("2 rows hold values that do not open: 'keys verify' names them.");
    }

    [Fact]
    public async Task A_new_root_key_is_taken_into_use_and_the_server_starts_with_it_alone()
    {
        await FillAsync();
        var file = Path.Combine(_directory.FullName, "root.key");
        (await RefusedAsync("rotate", "--root")).ShouldContain($"move it to '{file}.previous'");
        File.Move(file, file + ".previous");
        var root = FileRootKey.Create(file).Id;

        (await RunAsync("rotate", "--root")).ShouldContain("under root key " + root);
        File.Delete(file + ".previous");

        (await RunAsync("list")).ShouldContain("Root key   " + root);
        (await RunAsync("verify")).ShouldContain("0 do not open");
    }

    [Fact]
    public async Task F_23_A_wrong_or_missing_root_key_is_named()
    {
        await FillAsync();
        var file = Path.Combine(_directory.FullName, "root.key");
        var needed = FileRootKey.Load(file).Id;
        File.Delete(file);
        foreach (var verb in (string[])["list", "rotate", "rewrap", "verify"])
        {
            (await RefusedAsync(verb)).ShouldContain($"needs root key {needed}, and there is no root key file");
        }

        var other = FileRootKey.Create(file).Id;
        (await RefusedAsync("list")).ShouldContain($"holds {other}");
    }

    [Fact]
    public async Task A_directory_without_a_database_is_refused_and_stays_empty()
    {
        (await RefusedAsync("list")).ShouldContain("There is no database");
        _directory.EnumerateFileSystemInfos().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_told_without_its_password()
    {
        var refusal = await RefusedAsync(["list"], ("TokenVault:Storage:ConnectionString", "Host=127.0.0.1;Port=1;Database=d;Password=s3cr3t"));
        refusal.ShouldStartWith("The database 'd' at 127.0.0.1:1 cannot be used");
        refusal.ShouldNotContain("s3cr3t");
    }

    [Fact]
    public async Task A_server_that_was_killed_leaves_a_socket_that_stands_in_nobodys_way()
    {
        await FillAsync();
        using (var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
        {
            // Closed without being removed, as a kill leaves it.
            socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(_directory.FullName, "control.sock")));
        }

        (await RunAsync("verify")).ShouldContain("0 do not open");
    }

    [Fact]
    public async Task Beside_a_running_server_the_verbs_are_done_by_it()
    {
        await using var vault = await TestVault.StartAsync();
        await new SealedStore(vault.Storage, vault.Service<KeyRing>(), vault.Clock).FillAsync(tokensets: 50);
        var old = vault.Service<KeyRing>().SealingId;
        var socket = Path.Combine(vault.DataDirectory, "control.sock");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        (await RunInAsync(vault.DataDirectory, ["rotate"])).ShouldContain("generation 2");
        vault.Clock.Advance(KeyRingSource.Announcement);
        vault.Service<KeyRing>().SealingId.ShouldNotBe(old);
        (await RunInAsync(vault.DataDirectory, ["rewrap"])).ShouldContain("Everything that opens is under " + VaultKey.Name(vault.Service<KeyRing>().SealingId));
        (await RunInAsync(vault.DataDirectory, ["verify"])).ShouldContain("0 do not open");
        (await Should.ThrowAsync<StartupException>(() => RunInAsync(vault.DataDirectory, ["rotate", "--root"]))).Message.ShouldContain("the key that is in use");

        await vault.RestartAsync();
        (await RunInAsync(vault.DataDirectory, ["list"])).ShouldContain("generation 2   active");
        var audit = await vault.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None);
        audit.ShouldContain(row => System.Text.Encoding.UTF8.GetString(row.Body).Contains("Make vault key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rewrap_under_a_key_that_the_server_cannot_unwrap_says_so_and_ends()
    {
        await using var vault = await TestVault.StartAsync();
        var foreign = FileRootKey.Create(Path.Combine(vault.DataDirectory, "foreign.key"));
        await vault.Storage.CommitAsync(new Batch().Insert(VaultKey.Create(2, foreign, vault.Clock.GetUtcNow()).Stored));

        var refusal = await Should.ThrowAsync<StartupException>(() => RunInAsync(vault.DataDirectory, ["rewrap"]).WaitAsync(TimeSpan.FromSeconds(20)));

        refusal.Message.ShouldContain(foreign.Id);
    }

    [Theory]
    [InlineData("serve\n")]
    [InlineData("rotate --root now\n")]
    [InlineData("list")]
    [InlineData("\n")]
    public async Task A_server_answers_nothing_but_its_verbs(string request)
    {
        await using var vault = await TestVault.StartAsync();
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(vault.DataDirectory, "control.sock")));
        await using var stream = new System.Net.Sockets.NetworkStream(socket);
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(request.EndsWith('\n') ? request : request.PadRight(1024, 'x')));

        using var reader = new StreamReader(stream);
        (await reader.ReadToEndAsync()).ShouldBe("!This server does not know what was asked of it.\n");
    }

    private async Task FillAsync()
    {
        await using var storage = OpenStorage();
        await using var ring = await KeyRing.OpenAsync(storage, new RootKeys(Path.Combine(_directory.FullName, "root.key")), TimeProvider.System, CancellationToken.None);
        await new SealedStore(storage, ring, TimeProvider.System).FillAsync(tokensets: 50);
    }

    private SqliteStorage OpenStorage() => SqliteStorage.Open(Path.Combine(_directory.FullName, "vault.db"), TimeProvider.System);

    private Task<string> RunAsync(string verb, int code = 0) => RunInAsync(_directory.FullName, [verb], code);

    private Task<string> RunAsync(string verb, string option) => RunInAsync(_directory.FullName, [verb, option]);

    private static async Task<string> RunInAsync(string directory, string[] args, int code = 0, params (string Key, string Value)[] more)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        var settings = more.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)).Append(KeyValuePair.Create("TokenVault:DataDirectory", (string?)directory));
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        (await KeysCommand.RunAsync(args, output, configuration)).ShouldBe(code, output.ToString());
        return output.ToString();
    }

    private Task<string> RefusedAsync(params string[] args) => RefusedAsync(args, []);

    private async Task<string> RefusedAsync(string[] args, params (string Key, string Value)[] more) =>
        (await Should.ThrowAsync<StartupException>(() => RunInAsync(_directory.FullName, args, more: more))).Message;
}
