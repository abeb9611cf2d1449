using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>Seals a tokenset's tokens to the row they belong to: moved to another user, connection, account, grant or generation, they do not open (T-EN-02).</summary>
internal sealed class TokensetSealer(KeyRing ring)
{
    private static readonly TimeSpan UnnamedLifetime = TimeSpan.FromHours(1);

    /// <summary>The row with the tokens sealed into it, under its next generation.</summary>
    public Tokenset Seal(Tokenset tokenset, Secret accessToken, Secret? refreshToken)
    {
        var next = tokenset with
        {
            Generation = tokenset.Generation + 1,
            HasRefreshToken = refreshToken is not null,

            // A provider that gives a refresh token but no lifetime has one all the same: refresh hourly rather than never (F-17).
            AccessTokenExpiresAt = tokenset.AccessTokenExpiresAt ?? (refreshToken is null ? null : tokenset.IssuedAt + UnnamedLifetime),
        };
        var tokens = new SealedProviderTokens { AccessToken = accessToken.Reveal(), RefreshToken = refreshToken?.Reveal() };
        var plaintext = JsonSerializer.SerializeToUtf8Bytes(tokens, TokensetsJson.Default.SealedProviderTokens);
        try
        {
            return next with { SealedTokens = ring.Seal(plaintext, AadOf(next)) };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <exception cref="CorruptRecordException">The row was altered, or its tokens are another row's.</exception>
    public (Secret AccessToken, Secret? RefreshToken) Open(Tokenset tokenset)
    {
        byte[]? plaintext = null;
        try
        {
            plaintext = ring.Open(tokenset.SealedTokens, AadOf(tokenset));
            var (accessToken, refreshToken) = SealedProviderTokens.Read(plaintext);
            return (accessToken ?? throw new CorruptRecordException(Tokenset.Kind, tokenset.Id, inner: null), refreshToken);
        }
        catch (BrokenSealException e)
        {
            throw new CorruptRecordException(Tokenset.Kind, tokenset.Id, e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Without the exception: it may quote what was sealed.
            throw new CorruptRecordException(Tokenset.Kind, tokenset.Id, inner: null);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    public static byte[] AadOf(Tokenset tokenset) =>
        Aad.For(
            Tokenset.Kind,
            tokenset.UserId,
            tokenset.ConnectionId,
            tokenset.AccountId,
            tokenset.Id,
            tokenset.GrantId,
            tokenset.Generation.ToString(CultureInfo.InvariantCulture));
}

/// <summary>The plaintext inside the seal; lives for the moment of sealing and opening only.</summary>
internal sealed class SealedProviderTokens
{
    [JsonPropertyName("a")]
    public string? AccessToken { get; set; }

    [JsonPropertyName("r")]
    public string? RefreshToken { get; set; }

    /// <summary>Without decoding what only passes through.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static (Secret? AccessToken, Secret? RefreshToken) Read(ReadOnlySpan<byte> json)
    {
        Secret? accessToken = null, refreshToken = null;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException();
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("a"u8))
            {
                accessToken = Text(ref reader);
            }
            else if (reader.ValueTextEquals("r"u8))
            {
                refreshToken = Text(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return (accessToken, refreshToken);
    }

    public override string ToString() => "[secret]";

    private static Secret? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String when reader.ValueIsEscaped => new Secret(reader.GetString()!),
            JsonTokenType.String => Secret.FromUtf8(reader.ValueSpan),
            _ => throw new JsonException(),
        };
    }
}
