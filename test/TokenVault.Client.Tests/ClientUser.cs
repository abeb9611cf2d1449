using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests;

/// <summary>A user of the application, signed in, with the browser they did it in.</summary>
internal sealed record ClientUser(ClientScene Scene, string Id, string Email, string Password, Browser Browser)
{
    public required string RefreshToken { get; init; }

    /// <summary>For the calendar API.</summary>
    public required string AccessToken { get; init; }

    public SubjectToken Subject => SubjectToken.RefreshToken(RefreshToken);

    /// <param name="person">Who is signed in at the provider; null: its first user.</param>
    public async Task<ConnectedAccount> ConnectAsync(TokenVaultClient client, string? person = null, params string[] scopes)
    {
        var parameters = person is null ? [] : new Dictionary<string, string> { ["login_hint"] = person };
        var request = new ConnectRequest(ClientScene.Calendar, Operator.Callback) { Scopes = scopes, AuthorizationParams = parameters };
        var pending = await client.ConnectAsync(Subject, request);
        var back = await Browser.GoAsync(pending.Link.AbsoluteUri, Operator.Callback);
        back["state"].ShouldBe(pending.State);
        return await client.CompleteAsync(Subject, pending, back["connect_code"] ?? throw new InvalidOperationException(back.Url));
    }
}
