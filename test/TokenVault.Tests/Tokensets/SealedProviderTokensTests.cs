using System.Text;
using System.Text.Json;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Tokensets;

/// <summary>Whatever characters a provider makes its tokens of, they leave as they came.</summary>
public sealed class SealedProviderTokensTests
{
    [Theory]
    [InlineData("ya29.a0ARrdaM", "1//0gplain")]
    [InlineData("with+plus/slash==", "and\"quote\\backslash")]
    [InlineData("tökén \u0001 \ud83d\udd11", "")]
    [InlineData("r", "a")]
    [InlineData("no refresh token", null)]
    public void What_is_sealed_is_read_as_it_was(string accessToken, string? refreshToken)
    {
        var tokens = new SealedProviderTokens { AccessToken = accessToken, RefreshToken = refreshToken };

        var (access, refresh) = SealedProviderTokens.Read(JsonSerializer.SerializeToUtf8Bytes(tokens, TokensetsJson.Default.SealedProviderTokens));

        access!.Reveal().ShouldBe(accessToken);
        refresh?.Reveal().ShouldBe(refreshToken);
        (refresh is null).ShouldBe(refreshToken is null);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"a":null,"r":null}""")]
    [InlineData("""{"x":"a","y":"r"}""")]
    [InlineData("""{"x":{"a":"nested","r":"nested"},"y":["a","r"]}""")]
    public void What_has_no_token_gives_none(string json) => SealedProviderTokens.Read(Encoding.UTF8.GetBytes(json)).ShouldBe((null, null));

    [Theory]
    [InlineData("")]
    [InlineData("\"a\"")]
    [InlineData("""{"a":5}""")]
    [InlineData("""{"a":{"b":"c"}}""")]
    [InlineData("""{"a":"b",""")]
    [InlineData("""["a","b"]""")]
    public void What_was_never_sealed_is_refused(string json) =>
        Should.Throw<JsonException>(() => { SealedProviderTokens.Read(Encoding.UTF8.GetBytes(json)); });
}
