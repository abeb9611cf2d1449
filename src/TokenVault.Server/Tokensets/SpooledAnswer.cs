using System.Text.Json.Serialization;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Tokensets;

/// <summary>A provider's answer, and what it answers: all that is needed to land it later, and elsewhere.</summary>
/// <param name="Claimed">The tokenset as it stood when the attempt was written into it, without its sealed tokens.</param>
/// <param name="Tokens">Null when the answer could not be read.</param>
/// <param name="UnreadBody">The answer that could not be read.</param>
/// <param name="Connection">What a revocation needs of it.</param>
internal sealed record SpooledAnswer(Tokenset Claimed, ReceivedTokens? Tokens, string? UnreadBody, Connection Connection, DateTimeOffset At)
{
    [JsonIgnore]
    public RefreshAttempt Attempt => Claimed.Attempt!;

    public static SpooledAnswer Of(Tokenset claimed, ReceivedTokens tokens, Connection connection) =>
        new(claimed with { SealedTokens = [] }, tokens, UnreadBody: null, Slim(connection), tokens.ReceivedAt);

    public static SpooledAnswer Unread(Tokenset claimed, Secret body, Connection connection, DateTimeOffset at) =>
        new(claimed with { SealedTokens = [] }, Tokens: null, body.Reveal(), Slim(connection), at);

    public override string ToString() => "[secret]";

    /// <summary>A slot of the spool is small.</summary>
    private static Connection Slim(Connection connection) =>
        connection with { Metadata = null, EnabledClients = [], Options = connection.Options with { UpstreamParams = null } };
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SpooledAnswer))]
internal sealed partial class SpoolJson : JsonSerializerContext;
