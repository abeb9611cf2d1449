using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Management;

/// <summary>The Management API of a whole server; tokens carry whatever scopes a test wants.</summary>
internal sealed class ManagementHost : IAsyncDisposable
{
    private static readonly Lazy<Task<ManagementHost>> SharedHost = new(StartAsync);

    private readonly TestVault _vault;
    private readonly string _everything;

    private ManagementHost(TestVault vault)
    {
        _vault = vault;
        _everything = "Bearer " + Token(Endpoints
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? [])
            .Append("update:client_token_vault_privileged_access")
            .Distinct());
    }

    public TestVault Vault => _vault;

    /// <summary>The client that the tests' tokens were issued to: the one of the first start, which was granted every scope.</summary>
    public string Caller => (string)_vault.Bootstrap["client_id"]!;

    public string Issuer => _vault.Issuer;

    public string MyAccount => Issuer + "me/";

    public IStorage Storage => _vault.Storage;

    public KeyRing Ring => _vault.Service<KeyRing>();

    public VaultClock Clock => _vault.Clock;

    /// <summary>The endpoints of the Management API.</summary>
    public IReadOnlyList<RouteEndpoint> Endpoints =>
        [.. _vault.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/v2", StringComparison.Ordinal))];

    /// <summary>One for all tests that keep to records of their own making.</summary>
    public static Task<ManagementHost> SharedAsync() => SharedHost.Value;

    public static async Task<ManagementHost> StartAsync() => new(await TestVault.StartAsync());

    /// <summary>A token of this server, or with another issuer one that only says so.</summary>
    public string Token(IEnumerable<string> scopes, string? audience = null, string? issuer = null)
    {
        var tokens = issuer is null
            ? _vault.Service<AccessTokens>()
            : new AccessTokens(_vault.Service<SigningKeys>(), new TokenVaultOptions { Issuer = issuer }, Clock);
        return tokens.Issue(new AccessTokenClaims(Caller, audience ?? Issuer + "api/v2/", [.. scopes], TimeSpan.FromDays(1))).Reveal();
    }

    /// <summary>A request by someone who holds every scope.</summary>
    public Task<Reply> SendAsync(string method, string path, string? json = null) => SendAsync(method, path, json, _everything);

    public async Task<Reply> SendAsync(string method, string path, string? json, string? authorization, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Issuer + "api/v2" + path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (json is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        using var response = await _vault.Api.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        response.Headers.CacheControl?.NoStore.ShouldBeTrue();
        return new Reply((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text), response.Headers.WwwAuthenticate.ToString());
    }

    /// <summary>Creates and answers what was created; fails the test when it was not.</summary>
    public async Task<JsonObject> CreateAsync(string path, string json)
    {
        var reply = await SendAsync("POST", path, json);
        reply.Status.ShouldBe(201, reply.Body?.ToJsonString());
        return reply.Body!.AsObject();
    }

    public Task<JsonObject> CreateClientAsync(string type = "regular_web") =>
        CreateAsync("/clients", $$"""{"name":"{{Identifier.Client()}}","app_type":"{{type}}"}""");

    public async Task<IReadOnlyList<JsonElement>> AuditAsync()
    {
        var rows = await Storage.ReadAuditAsync(0, 100_000, CancellationToken.None);
        return [.. rows.Select(row => JsonDocument.Parse(row.Body).RootElement)];
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();
}

internal sealed record Reply(int Status, JsonNode? Body, string WwwAuthenticate)
{
    public string? ErrorCode => (string?)Body?["errorCode"];

    public string? Message => (string?)Body?["message"];
}
