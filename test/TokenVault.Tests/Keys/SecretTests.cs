using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Keys;

namespace TokenVault.Tests.Keys;

/// <summary>A secret does not slip out.</summary>
public sealed class SecretTests
{
    private static readonly Secret Hidden = new("ya29.hidden");

    [Fact]
    public void A_secret_prints_as_one()
    {
        Hidden.ToString().ShouldBe("[secret]");
        $"{Hidden}".ShouldBe("[secret]");
        new Holder(Hidden).ToString().ShouldNotContain("hidden");
        Hidden.Reveal().ShouldBe("ya29.hidden");
    }

    [Fact]
    public void A_secret_refuses_JSON_in_both_directions()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver() };

        Should.Throw<NotSupportedException>(() => JsonSerializer.Serialize(Hidden, options));
        Should.Throw<NotSupportedException>(() => JsonSerializer.Serialize(new Holder(Hidden), options));
        Should.Throw<NotSupportedException>(() => JsonSerializer.Serialize(new[] { Hidden }, options));
        Should.Throw<NotSupportedException>(() => JsonSerializer.Deserialize<Secret>("\"x\"", options));
    }

    [Theory]
    [InlineData("ya29.a0ARrdaM-token_of~characters")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.AAAA+/==")]
    [InlineData("\"quoted\\ünïcode\u0001")]
    [InlineData("")]
    public void A_secret_is_the_same_whether_it_was_decoded_or_not(string value)
    {
        var (text, utf8) = (new Secret(value), Secret.FromUtf8(Encoding.UTF8.GetBytes(value)));

        utf8.Reveal().ShouldBe(value);
        utf8.Thumbprint().ShouldBe(text.Thumbprint());
        text.Thumbprint().ShouldBe(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value))));
        Written(utf8).ShouldBe(Written(text));
        JsonDocument.Parse(Written(text)).RootElement.GetProperty("token").GetString().ShouldBe(value);
        utf8.ToString().ShouldBe("[secret]");
    }

    private static string Written(Secret secret)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            secret.RevealTo(writer, "token");
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private sealed record Holder(Secret Token);
}
