using System.Text.Json;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>
/// Errors belong into a 400 with a text in <c>error</c> (RFC 6749 §5.2). GitHub sends them with 200, Slack with 200 and
/// <c>ok:false</c>, Facebook puts an object where the code belongs. Applied to every provider.
/// </summary>
internal static class TokenAnswerErrors
{
    private const string Unknown = "unknown";

    /// <summary>The error code of an answer, whatever its status; null when it carries none.</summary>
    public static string? Code(AnswerMembers answer)
    {
        var refused = answer["ok"] is { ValueKind: JsonValueKind.False };
        return answer["error"] switch
        {
            null => refused ? Unknown : null,
            { ValueKind: JsonValueKind.String } => answer.Text("error") ?? (refused ? Unknown : null),
            { ValueKind: JsonValueKind.Object } error => error.Text("code") ?? error.Text("type") ?? error.Text("status") ?? Unknown,
            { ValueKind: JsonValueKind.True or JsonValueKind.Number } => Unknown,
            _ => refused ? Unknown : null,
        };
    }
}
