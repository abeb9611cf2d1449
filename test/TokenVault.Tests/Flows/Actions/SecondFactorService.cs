using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>The worked example of docs/actions.md, which shows these very lines.</summary>
internal static class SecondFactorService
{
    public static async Task<WebApplication> StartAsync(Func<string> secretOf, TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        app.UseRouting();

        // <example>
        app.MapPost("/second-factor", async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            if (!IsSigned(context.Request.Headers["TokenVault-Signature"].ToString(), body))
            {
                context.Response.StatusCode = 401;
                return;
            }

            // Only here is the user in front of a browser, and can be asked; all else goes on as it is.
            var transaction = JsonNode.Parse(body)!["event"]!["transaction"]!;
            var isInteractive = (string?)transaction["protocol"] == "oidc-basic-profile";
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(isInteractive ? """{"commands":[{"type":"require_mfa"}]}""" : """{"commands":[]}""");
        });

        bool IsSigned(string signature, string body)
        {
            var parts = signature.Split(",v1=");
            if (parts.Length != 2 || !long.TryParse(parts[0].AsSpan(Math.Min(2, parts[0].Length)), out var sentAt))
            {
                return false;
            }

            // Older calls are somebody's recording; five minutes are for clocks that differ.
            var age = Math.Abs(time.GetUtcNow().ToUnixTimeSeconds() - sentAt);
            var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secretOf()), Encoding.UTF8.GetBytes($"{parts[0]}.{body}"));
            return age <= 300 && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Convert.ToHexStringLower(mac)), Encoding.UTF8.GetBytes(parts[1]));
        }
        // </example>

        await app.StartAsync();
        return app;
    }
}
