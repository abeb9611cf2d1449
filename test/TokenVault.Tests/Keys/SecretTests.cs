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

    private sealed record Holder(Secret Token);
}
