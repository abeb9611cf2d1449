using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// The <c>jti</c> of a JWT that was good for one use (RFC 7523 §3, RFC 9449 §11.1): inserted in a commit of its own or with others, it
/// fits in once, on whichever node, and after a restart as well (T-CA-05, T-PW-03). The name is hashed as it was decoded, so that it has
/// one spelling and takes no more room than any other (T-PW-04).
/// </summary>
internal sealed record SpentJti : IRecord<SpentJti>
{
    public const string Assertion = "client_assertion";
    public const string SubjectToken = "subject_token";
    public const string DpopProof = "dpop";

    /// <summary>Beyond it a JWT is no longer looked at; a node whose clock is behind still finds the row.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    public static string Kind => "jti";

    public static JsonTypeInfo<SpentJti> TypeInfo => KeysJson.Default.SpentJti;

    public required string Id { get; init; }

    public required DateTimeOffset ForgottenAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<SpentJti>.ExpiresAt => ForgottenAt;

    /// <param name="purpose">What it was good for.</param>
    /// <param name="owner">Whose name it is: those of different clients, or keys, have nothing to do with each other.</param>
    /// <param name="until">When a JWT that bears it is refused for its age.</param>
    public static SpentJti Of(string purpose, string owner, string jti, DateTimeOffset until) => new()
    {
        Id = Identifier.Hash($"{purpose}\n{owner}\n{jti}"),
        ForgottenAt = until + Margin,
    };

    public SpentJti AtVersion(long version) => this with { Version = version };
}
