using System.Text.Json;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Protocol;

/// <summary>A successful answer of the token endpoint (RFC 6749 §5.1). Absent members are left out, never null.</summary>
internal sealed record TokenResponse(Secret AccessToken, long ExpiresIn)
{
    private static readonly Dictionary<string, string> Nothing = [];

    public string? Scope { get; init; }

    public Secret? RefreshToken { get; init; }

    public Secret? IdToken { get; init; }

    public string? IssuedTokenType { get; init; }

    /// <summary>
    /// Also of a provider's refresh token, which RFC 8693 §2.2.1 calls <c>N_A</c>: published clients take that for a mistake when the grant is
    /// not RFC 8693's own, and throw the token away. <c>issued_token_type</c> says what it is.
    /// </summary>
    public string TokenType { get; init; } = "Bearer";

    /// <summary>What the provider sent beside the token and an application needs to use it: Salesforce's <c>instance_url</c>.</summary>
    public IReadOnlyDictionary<string, string>? Further { get; init; }

    /// <summary>Those that the access token is good for, as JSON (RFC 9396 §7).</summary>
    public string? AuthorizationDetails { get; init; }

    /// <summary>Which approval of the user's a provider's token left with: it is not to be kept for another use.</summary>
    public string? ApprovalId { get; init; }

    public void WriteTo(Utf8JsonWriter writer)
    {
        AccessToken.RevealTo(writer, "access_token");
        RefreshToken?.RevealTo(writer, "refresh_token");
        IdToken?.RevealTo(writer, "id_token");
        Write(writer, "scope", Scope);
        writer.WriteNumber("expires_in", ExpiresIn);
        Write(writer, "issued_token_type", IssuedTokenType);
        Write(writer, "approval_id", ApprovalId);
        writer.WriteString("token_type", TokenType);
        if (AuthorizationDetails is not null)
        {
            writer.WritePropertyName("authorization_details");
            writer.WriteRawValue(AuthorizationDetails);
        }

        foreach (var (name, value) in Further ?? Nothing)
        {
            writer.WriteString(name, value);
        }
    }

    private static void Write(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
