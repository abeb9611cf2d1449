using TokenVault.Server.Protocol;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>Answers of providers that are wrong in a part that does not matter.</summary>
public sealed class ProviderAnswerTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Theory]
    [InlineData("scope", "\"\\ud800\"")]
    [InlineData("scope", "[\"calendar.read\",\"\\udfff\"]")]
    [InlineData("error", "\"\\ud800\"")]
    [InlineData("token_type", "\"\\ud800\"")]
    [InlineData("id_token", "\"\\ud800\"")]
    [InlineData("expires_in", "\"\\ud800\"")]
    public async Task T_UP_04_a_member_that_is_no_text_does_not_cost_the_rotated_refresh_token(string member, string value)
    {
        var connection = "broken-" + Identifier.Client();
        await scene.Admin.CreateConnectionAsync(connection, "oauth2", scene.Provider.OAuth2Options("calendar.read"), scene.App.Credentials);
        var (_, refreshToken, _) = await scene.ConnectedUserAsync(connection);
        scene.Vault.Clock.Jump(TimeSpan.FromHours(2));
        scene.Provider.Refresh.Next(Fault.Answer(
            200, "application/json", $$"""{"access_token":"new","refresh_token":"rotated","{{member}}":{{value}}}"""));

        var answer = await scene.App.ExchangeAsync(refreshToken, Wire.RefreshTokenType, connection);
        answer.Status.ShouldBe(200, answer.Text);
        answer["access_token"].ShouldBe("new");
        if (member != "scope" || value[0] != '[')
        {
            answer["scope"].ShouldBe("calendar.read");
        }

        scene.Vault.Clock.Jump(TimeSpan.FromHours(2));
        await scene.App.ExchangeAsync(refreshToken, Wire.RefreshTokenType, connection);
        scene.Provider.LastRefreshTokenSent.ShouldBe("rotated");
    }
}
