using System.Reflection;
using System.Text.RegularExpressions;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.Connections;

/// <summary>
/// Every place that an address can come from, an operator's option, a catalogue entry, a provider's own metadata or a log stream, against
/// every address that leads inside. One public name leads to the provider; whatever else is dialled has come through.
/// </summary>
public sealed partial class EgressPlacesTests : IAsyncLifetime
{
    /// <summary>Addresses in stored records that browsers follow, or that are compared with others.</summary>
    private static readonly string[] NeverCalled =
    [
        "AuthorizationCode.RedirectUri", "Client.LogoUri", "ConnectRequest.RedirectUri", "PendingRevocation.Issuer", "TenantSettings.PictureUrl",
        "TenantSettings.SupportUrl", "Tokenset.Issuer",
    ];

    private EgressScene _scene = null!;

    public static TheoryData<string> Places => [.. EgressPlaces.Members.Keys];

    public static TheoryData<string> Hosts =>
        [.. ProviderCatalog.Load().All.SelectMany(provider => provider.Variables.Select(variable => $"{provider.Strategy} {variable.Name}"))];

    public async Task InitializeAsync() => _scene = await EgressScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Theory]
    [MemberData(nameof(Places))]
    public async Task T_UP_10_No_place_for_an_address_leads_inside(string place)
    {
        var reached = new List<string>();
        var urls = ((IEnumerable<object[]>)UrlVectors.Forbidden).Select(row => (string)row[0]).ToList();
        urls.Count.ShouldBeGreaterThan(120);

        // An empty address is none, and the provider's own name is open here.
        foreach (var url in urls.Where(url => url.Length > 0 && !url.StartsWith(EgressScene.Provider, StringComparison.Ordinal)))
        {
            if (await _scene.IsReachedAsync(place, url))
            {
                reached.Add(url);
            }
        }

        reached.ShouldBeEmpty();

        // The place is really asked: an address that is public is called there, unless the server calls none of its kind.
        (await _scene.IsReachedAsync(place, EgressPlaces.Good(place))).ShouldBe(!EgressPlaces.IsNotCalled(place));
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public async Task T_UP_10_No_host_that_completes_an_entrys_addresses_leads_inside(string name)
    {
        var provider = ProviderCatalog.Load().Find(name.Split(' ')[0])!;
        var variable = provider.Variables.Single(v => v.Name == name.Split(' ')[1]);
        var hosts = ((IEnumerable<object[]>)UrlVectors.Forbidden).Select(row => Scheme().Replace((string)row[0], "").Split("/token")[0])
            .Distinct().Where(host => host is not ("public.example" or "8.8.8.8")).ToList();
        hosts.Count.ShouldBeGreaterThan(120);

        foreach (var host in hosts)
        {
            await _scene.CallAllAsync(provider, variable, host);
            _scene.Dialled.ShouldBeEmpty(host);
        }

        // What it is for is looked up, and where it may be anybody's host, a public one is called.
        await _scene.CallAllAsync(provider, variable, variable.Example);
        _scene.Resolved.ShouldNotBeEmpty();
        if (ProviderVariables.NamesAnyHost(provider, variable))
        {
            await _scene.CallAllAsync(provider, variable, "public.example");
            _scene.Dialled.ShouldAllBe(endPoint => endPoint.ToString() == "93.184.216.34:443");
            _scene.Dialled.Count.ShouldBeGreaterThanOrEqualTo(3, "to redeem, to refresh and to revoke");
        }
    }

    [Fact]
    public void T_UP_10_Every_member_that_holds_an_address_is_among_the_places()
    {
        var nouns = typeof(EgressGuard).Assembly.GetTypes().Where(type => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecord<>)));
        nouns.Concat([typeof(ConnectionOptions), typeof(Provider), typeof(UserLookup), typeof(ProviderRevocation), typeof(ProviderEndpoints)])
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Where(property => property.PropertyType == typeof(string) && Address().IsMatch(property.Name))
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name}")
            .Except(EgressPlaces.Members.Values.SelectMany(members => members))
            .Order(StringComparer.Ordinal)
            .ShouldBe(NeverCalled);
    }

    [Fact]
    public void T_UP_10_Only_the_guard_opens_a_way_out()
    {
        var openers = SourceTree.Files("src/TokenVault.Server")
            .Where(file => WayOut().IsMatch(File.ReadAllText(file)))
            .Select(file => SourceTree.Name(file)["src/TokenVault.Server/".Length..])
            .Where(file => !file.StartsWith("Demo/", StringComparison.Ordinal));

        // The control socket is a file on this machine; the database and the mail server are the operator's own, named where the server is started.
        openers.Order(StringComparer.Ordinal).ShouldBe(["Approvals/MailChannel.cs", "Connections/EgressGuard.cs", "Connections/UpstreamHttp.cs", "ControlClient.cs", "ControlSocket.cs"]);
    }

    [Theory]
    [InlineData("client_secret_basic")]
    [InlineData("client_secret_post")]
    public async Task T_UP_14_The_client_secret_is_in_no_address(string method)
    {
        var urls = new List<string>();
        var client = _scene.Client();
        foreach (var endpoint in (FakeEndpoint[])[_scene.Fake.Redemption, _scene.Fake.Refresh, _scene.Fake.Revocation])
        {
            endpoint.Next(Fault.Status(200) with
            {
                Replace = context =>
                {
                    urls.Add(context.Request.Path + context.Request.QueryString);
                    return Task.CompletedTask;
                },
            });
        }

        var connection = _scene.Connection("oauth2", new ConnectionOptions
        {
            AuthorizationUrl = EgressScene.Provider + "/authorize",
            TokenUrl = EgressScene.Provider + "/token",
            UserInfoUrl = EgressScene.Provider + "/userinfo",
            RevocationUrl = EgressScene.Provider + "/revoke",
            TokenEndpointAuthMethod = method,
        });
        urls.Add((await client.AuthorizeUrlAsync(connection, Upstream.Authorize("a"), CancellationToken.None)).Value!);
        await client.RedeemAsync(connection, Upstream.Redeem("code"), CancellationToken.None);
        await client.RefreshAsync(connection, new Secret("rt"), expected: null, () => true);
        await client.RevokeAsync(connection, new Secret("rt"), "refresh_token", CancellationToken.None);

        urls.Count.ShouldBe(4);
        urls.ShouldAllBe(url => !url.Contains(_scene.Fake.ClientSecret, StringComparison.Ordinal));
    }

    [GeneratedRegex("^https?://", RegexOptions.NonBacktracking)]
    private static partial Regex Scheme();

    [GeneratedRegex("(Url|Uri|Endpoint|Issuer)$", RegexOptions.NonBacktracking)]
    private static partial Regex Address();

    [GeneratedRegex(@"new (SocketsHttpHandler|HttpClientHandler|HttpMessageInvoker|HttpClient|TcpClient|UdpClient|SmtpClient|Socket|ClientWebSocket)\(|HttpMessageInvoker _\w+ = new|new SocketsHttpHandler", RegexOptions.NonBacktracking)]
    private static partial Regex WayOut();
}
