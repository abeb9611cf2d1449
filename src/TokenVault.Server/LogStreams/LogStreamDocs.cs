using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.LogStreams;

/// <summary>What the API reference says of log streams.</summary>
internal static class LogStreamDocs
{
    private static readonly LogStream Example = new()
    {
        Id = "lst_5aB0cD1eF2gH3iJ4",
        Name = "Security",
        Status = LogStream.Active,
        Endpoint = "https://siem.example.com/vault",
        ContentType = "application/json",
        ContentFormat = "JSONLINES",
        Filters = ["auth.token_exchange.fail"],
        Version = 1,
    };

    public static Noun Of(LogStreamBody body) =>
        new("a log stream", "log streams", "log_streams", LogStreamEndpoints.View(Example))
        {
            Fields = false,
            New = reader => body.Read(reader, LogStreamBody.Blank(Example.Id)),
            NewExample = new JsonObject
            {
                ["name"] = "Security",
                ["type"] = "http",
                ["sink"] = new JsonObject
                {
                    ["httpEndpoint"] = "https://siem.example.com/vault",
                    ["httpContentType"] = "application/json",
                    ["httpContentFormat"] = "JSONLINES",
                    ["httpAuthorization"] = "Bearer the-receivers-own-token",
                },
                ["filters"] = new JsonArray(new JsonObject { ["type"] = "category", ["name"] = "auth.token_exchange.fail" }),
            },
            Shown = LogStreamEndpoints.View(Example).With("signing_secret", "whsec_…"),
            Change = reader => body.Read(reader, Example),
            ChangeExample = new JsonObject { ["status"] = LogStream.Paused },
        };

    /// <summary>A short list, and all of it at once.</summary>
    public static Operation List { get; } = new("List log streams") { Answer = new JsonArray(LogStreamEndpoints.View(Example)) };
}
