using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Connections;

/// <summary>What came of a look at one of a provider's addresses.</summary>
/// <param name="Name">Which of them, as the metadata of a provider name it.</param>
/// <param name="Url">Null: there is none that could be asked.</param>
/// <param name="Status">Of the answer; null: none came.</param>
/// <param name="Problem">Null when it is as it should be.</param>
/// <param name="Detail">For people; nothing of what the provider answered.</param>
internal sealed record ProbedUrl(string Name, string? Url, int? Status = null, string? Problem = null, string? Detail = null)
{
    /// <summary>The connection itself lacks something.</summary>
    public const string Configuration = "configuration";

    /// <summary>An answer, but with a status that nothing can be done with.</summary>
    public const string UnusableStatus = "status";

    /// <summary>Not what the provider's metadata should be.</summary>
    public const string Metadata = "metadata";

    public static ProbedUrl Failed(string name, string? url, ProviderFailure failure) =>
        new(name, url, failure.Status, Of(failure), failure.Detail);

    public JsonObject View() => new JsonObject { ["name"] = Name }
        .With("url", Url)
        .With("status", Status)
        .With("problem", Problem)
        .With("detail", Detail);

    private static string Of(ProviderFailure failure) => failure switch
    {
        { Obstacle: { } obstacle } => JsonNamingPolicy.SnakeCaseLower.ConvertName(obstacle.ToString()),
        { Status: 200 } => Metadata,
        { Status: not null } => UnusableStatus,
        _ => Configuration,
    };
}
