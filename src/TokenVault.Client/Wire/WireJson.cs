using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Client.Wire;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(ConnectBody))]
[JsonSerializable(typeof(ConnectAnswer))]
[JsonSerializable(typeof(CompleteBody))]
[JsonSerializable(typeof(AccountAnswer))]
[JsonSerializable(typeof(AccountPage))]
[JsonSerializable(typeof(ConnectionPage))]
[JsonSerializable(typeof(ApprovalAnswer))]
[JsonSerializable(typeof(LoginHint))]
internal sealed partial class WireJson : JsonSerializerContext;

internal sealed record ServerMetadata(string? Issuer, string? TokenEndpoint, string? BackchannelAuthenticationEndpoint, EndpointAliases? MtlsEndpointAliases);

/// <summary>RFC 8705 §5.</summary>
internal sealed record EndpointAliases(string? TokenEndpoint, string? BackchannelAuthenticationEndpoint);

internal sealed class TokenAnswer
{
    public string? AccessToken { get; set; }

    public string? TokenType { get; set; }

    public double? ExpiresIn { get; set; }

    public string? Scope { get; set; }

    public string? RefreshToken { get; set; }

    public string? IdToken { get; set; }

    public string? IssuedTokenType { get; set; }

    /// <summary>Ours: the user has approved this token, for what it was asked for.</summary>
    public string? ApprovalId { get; set; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Further { get; set; }
}

/// <summary>OAuth's form (RFC 6749 §5.2) with our <c>reason</c>, and the My Account API's (RFC 7807).</summary>
internal sealed record ErrorAnswer(
    string? Error, string? ErrorDescription, string? Reason, IReadOnlyList<string>? MissingScopes, string? Title, string? Detail)
{
    /// <summary>With the reason <c>approval_required</c>, as <see cref="ApprovalAnswer"/> has it.</summary>
    public string? AuthReqId { get; init; }

    public string? ApprovalUri { get; init; }

    public double? ExpiresIn { get; init; }

    public double? Interval { get; init; }
}

internal sealed record ConnectBody(string Connection, string RedirectUri, string State, string CodeChallenge, string CodeChallengeMethod)
{
    public IReadOnlyList<string>? Scopes { get; init; }

    public IReadOnlyDictionary<string, string>? AuthorizationParams { get; init; }
}

internal sealed record ConnectAnswer(string? ConnectUri, string? AuthSession, ConnectParams? ConnectParams, double? ExpiresIn);

internal sealed record ConnectParams(string? Ticket);

internal sealed record CompleteBody(string AuthSession, string ConnectCode, string RedirectUri, string CodeVerifier);

internal sealed record AccountAnswer(string? Id, string? Connection, IReadOnlyList<string>? Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

internal sealed record AccountPage(IReadOnlyList<AccountAnswer>? Accounts, string? Next);

internal sealed record ConnectionAnswer(string? Name, string? Strategy, IReadOnlyList<string>? Scopes);

internal sealed record ConnectionPage(IReadOnlyList<ConnectionAnswer>? Connections, string? Next);

internal sealed record ApprovalAnswer(string? AuthReqId, string? ApprovalUri, double? ExpiresIn, double? Interval)
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);

    /// <summary>OpenID CIBA §7.3.</summary>
    public static TimeSpan DefaultInterval { get; } = TimeSpan.FromSeconds(5);

    /// <returns>Null: it names nothing.</returns>
    public PendingApproval? Read(DateTimeOffset asked) => string.IsNullOrEmpty(AuthReqId)
        ? null
        : new PendingApproval(AuthReqId, asked, asked + Seconds.Of(ExpiresIn, otherwise: 300), Between())
        {
            ApprovalUri = Uri.TryCreate(ApprovalUri, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps ? uri : null,
        };

    private TimeSpan Between() => Seconds.Of(Interval) is var interval && interval >= ShortestInterval ? interval : DefaultInterval;
}

internal sealed record LoginHint(string Format, string Iss, string Sub);
