using System.Text.Json;
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
        new(claimed with { SealedTokens = [] }, tokens, UnreadBody: null, connection.ForRevocation(), tokens.ReceivedAt);

    public static SpooledAnswer Unread(Tokenset claimed, Secret body, Connection connection, DateTimeOffset at) =>
        new(claimed with { SealedTokens = [] }, Tokens: null, body.Reveal(), connection.ForRevocation(), at);

    /// <summary>Tokens that must not be used, and are not known to be anybody's to revoke (T-UP-08): kept as what could not be read is.</summary>
    public SpooledAnswer Quarantined() => this with { Tokens = null, UnreadBody = JsonSerializer.Serialize(Tokens, TokensetsJson.Default.ReceivedTokens) };

    public override string ToString() => "[secret]";
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SpooledAnswer))]
internal sealed partial class SpoolJson : JsonSerializerContext;
