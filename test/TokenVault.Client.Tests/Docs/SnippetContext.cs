namespace TokenVault.Client.Tests.Docs;

/// <summary>What the pages' code takes for granted: the usings of a web project, those of our packages, and the names that its readers have.</summary>
internal static class SnippetContext
{
    public const string Source = """
        global using System;
        global using System.Buffers.Text;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Net.Http.Headers;
        global using System.Net.Http.Json;
        global using System.Security.Cryptography;
        global using System.Text;
        global using System.Text.Json.Nodes;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.AI;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        global using TokenVault.Client;
        global using TokenVault.Client.Agents;
        global using TokenVault.Client.Mcp;
        global using ModelContextProtocol.Server;
        global using TokenVault.Client.AspNetCore;
        global using TokenVault.Client.Tests.Loop;
        global using static Given;

        internal static class Given
        {
            public static WebApplication app = null!;
            public static Services services = null!;
            public static IConfiguration configuration = null!;
            public static TimeProvider time = null!;
            public static TokenVaultClient vault = null!;
            public static string refreshToken = "", userId = "";
            public static HttpClient http = null!;
            public static HttpRequestMessage request = null!;
            public static CancellationToken cancellationToken;
            public static CalendarClient calendar = null!;
            public static AIFunction function = null!;
            public static IChatClient chatClient = null!, client = null!;
            public static List<ChatMessage> messages = null!;
            public static List<AITool> tools = null!;
            public static ChatResponse response = null!;

            public static IResult Redirect(string url) => Results.Redirect(url);

            public static string environment(string name) => Environment.GetEnvironmentVariable(name)!;

            public static DateTimeOffset Now() => time.GetUtcNow();

            public static string secretOf() => environment("SECRET");
        }

        /// <summary>Those of an application that is being built, and those of one that runs.</summary>
        internal sealed class Services : ServiceCollection, IServiceProvider
        {
            public object? GetService(Type type) => null;
        }

        internal sealed class CalendarClient(HttpClient http)
        {
            public Task<string> ListAsync(string day, string accessToken) => http.GetStringAsync(day + accessToken);
        }
        """;
}
