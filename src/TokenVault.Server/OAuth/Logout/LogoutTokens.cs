using System.Buffers;
using System.Text.Json;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4).</summary>
internal sealed class LogoutTokens(SigningKeys keys, TokenVaultOptions options, TimeProvider time)
{
    /// <summary>Of its own, so that nothing else that this server signs is taken for one, nor one of them for anything else (RFC 8725 §3.11, T-ST-05).</summary>
    public const string Type = "logout+jwt";

    private const string Event = "http://schemas.openid.net/event/backchannel-logout";

    /// <summary>§4: at most two minutes, to keep a replay short.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>A new one for each attempt: a client that remembers their names takes each.</summary>
    public Secret Issue(PendingLogout logout)
    {
        var now = time.GetUtcNow();
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", options.Issuer);
            writer.WriteString("aud", logout.ClientId);
            writer.WriteNumber("iat", now.ToUnixTimeSeconds());
            writer.WriteNumber("exp", (now + Lifetime).ToUnixTimeSeconds());
            writer.WriteString("jti", Identifier.Secret());
            writer.WriteString("sub", logout.UserId);
            writer.WriteString("sid", logout.SessionId);
            writer.WriteStartObject("events");
            writer.WriteStartObject(Event);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return new Secret(keys.Current("RS256").Sign(Type, buffer.WrittenSpan));
    }
}
