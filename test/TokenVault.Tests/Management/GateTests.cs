using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TokenVault.Server.Http;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.Management;

public class GateTests
{
    [Fact]
    public async Task T_MG_02_every_endpoint_demands_its_scope_and_nothing_else_opens_it()
    {
        var host = await ManagementHost.SharedAsync();
        var checkedRoutes = 0;
        foreach (var endpoint in host.Endpoints)
        {
            // The answer to what is not there, and the description of the API, are for everybody.
            if (endpoint.RoutePattern.RawText is "/api/v2/{**rest}" or "/api/v2/openapi.json")
            {
                continue;
            }

            var scope = endpoint.Metadata.GetMetadata<RequiredScope>().ShouldNotBeNull();
            var method = endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()!.HttpMethods.Single();
            var path = endpoint.RoutePattern.RawText!["/api/v2".Length..].Replace("{id}", "nobody");
            var others = host.Endpoints.SelectMany(e => e.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? []).Except(scope.AnyOf);

            (await host.SendAsync(method, path, null, null)).Status.ShouldBe(401);
            (await host.SendAsync(method, path, null, "Bearer " + host.Token(scope.AnyOf, host.MyAccount))).Status.ShouldBe(401);
            (await host.SendAsync(method, path, null, "Bearer " + host.Token(scope.AnyOf, issuer: "https://other.example/"))).Status.ShouldBe(401);

            var refused = await host.SendAsync(method, path, null, "Bearer " + host.Token(others));
            refused.Status.ShouldBe(403);
            refused.Body!.ToJsonString().ShouldBe(
                $$"""{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: {{string.Join(',', scope.AnyOf)}}","errorCode":"insufficient_scope"}""");
            foreach (var any in scope.AnyOf)
            {
                (await host.SendAsync(method, path, null, "Bearer " + host.Token([any]))).Status.ShouldNotBeOneOf(401, 403);
            }

            checkedRoutes++;
        }

        checkedRoutes.ShouldBeGreaterThan(55);
    }

    /// <summary>UPDATE_GOLDEN=1 writes the table anew, to be read before it is committed.</summary>
    [Fact]
    public async Task T_MG_02_the_table_of_routes_and_scopes_is_the_one_that_was_agreed_on()
    {
        var host = await ManagementHost.SharedAsync();
        var lines = host.Endpoints
            .Select(endpoint => (
                Path: endpoint.RoutePattern.RawText!,
                Methods: endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()?.HttpMethods ?? ["*"],
                Scopes: endpoint.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? ["(everybody)"]))
            .Select(route => $"{string.Join(',', route.Methods),-6} {route.Path,-60} {string.Join(" or ", route.Scopes)}")
            .Order(StringComparer.Ordinal);
        var actual = string.Join('\n', lines) + "\n";
        var path = Path.Combine(SourceTree.Root, "test", "TokenVault.Tests", "Management", "scopes.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(path, actual);
        }

        actual.ShouldBe(await File.ReadAllTextAsync(path), "A route or its scope has changed: see Management/scopes.txt");
    }

    [Theory]
    [InlineData("Read:Clients")]
    [InlineData("READ:CLIENTS")]
    [InlineData("read:clients2")]
    [InlineData("read:client")]
    [InlineData("ｒead:clients")]
    public async Task T_MG_03_scopes_are_compared_to_the_letter(string scope)
    {
        var host = await ManagementHost.SharedAsync();
        (await host.SendAsync("GET", "/clients", null, "Bearer " + host.Token([scope]))).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Without_a_token_the_answer_is_401_in_the_envelope()
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("GET", "/clients", null, null);
        reply.Status.ShouldBe(401);
        reply.WwwAuthenticate.ShouldBe("Bearer");
        reply.Body!.ToJsonString().ShouldBe(
            """{"statusCode":401,"error":"Unauthorized","message":"Missing authentication","attributes":{"error":"Missing authentication"}}""");
    }

    [Theory]
    [InlineData("Bearer x")]
    [InlineData("Bearer ")]
    [InlineData("Bearer")]
    [InlineData("Basic Zm9vOmJhcg==")]
    [InlineData("Token x")]
    public async Task With_a_bad_token_the_answer_is_401_in_the_envelope(string authorization)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("GET", "/clients", null, authorization);
        reply.Status.ShouldBe(401);
        reply.WwwAuthenticate.ShouldBe("Bearer error=\"invalid_token\"");
        reply.Body!.ToJsonString().ShouldBe(
            """{"statusCode":401,"error":"Unauthorized","message":"Invalid token","attributes":{"error":"Invalid token"}}""");
    }

    [Theory]
    [InlineData("GET", "/nothing")]
    [InlineData("GET", "/")]
    [InlineData("PUT", "/clients")]
    [InlineData("HEAD", "/clients")]
    [InlineData("OPTIONS", "/clients")]
    [InlineData("GET", "/clients/a/b/c")]
    public async Task What_is_not_there_is_404_in_the_envelope(string method, string path)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync(method, path);
        reply.Status.ShouldBe(404);
        if (method != "HEAD")
        {
            reply.Body!.ToJsonString().ShouldBe("""{"statusCode":404,"error":"Not Found","message":"Not Found"}""");
        }
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/jsonx")]
    [InlineData("application/json; charset=utf-16")]
    public async Task A_body_that_is_not_json_is_refused(string type)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/clients", """{"name":"x"}""", "Bearer " + host.Token(["create:clients"]), type);
        reply.Status.ShouldBe(400);
        reply.ErrorCode.ShouldBe("invalid_body");
    }

    [Fact]
    public async Task A_body_of_more_than_64_kibibytes_is_refused()
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/clients", $$"""{"name":"{{new string('x', 65 * 1024)}}"}""");
        reply.Status.ShouldBe(413);
        reply.ErrorCode.ShouldBe("payload_too_large");
    }

    [Theory]
    [InlineData("/api/v2/clients/../clients")]
    [InlineData("/api/v2/clients/%2e%2e/clients/x")]
    [InlineData("/api/v2/clients/x/..%2frotate-secret")]
    [InlineData("/api/v2/clients//x")]
    [InlineData("/api/v2/clients/%00")]
    public async Task T_MG_04_odd_paths_lead_nowhere(string target)
    {
        var host = await ManagementHost.SharedAsync();
        var address = new Uri(host.Issuer);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, address.Port);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = address.Host,
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { host.Vault.Api.Trusted! },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET {target} HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer {host.Token(["read:clients"])}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        (await reader.ReadLineAsync()).ShouldBeOneOf("HTTP/1.1 404 Not Found", "HTTP/1.1 400 Bad Request");
    }
}
