using TokenVault.Server.Demo;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Pushed;

/// <summary>Pushes requests, and sends browsers with their names.</summary>
internal static class PushScene
{
    /// <summary>The authorization request that every client makes, by <c>/oauth/par</c>; a null value takes a parameter out.</summary>
    public static Task<Answer> PushAsync(this OAuthVault vault, Application application, params (string Name, string? Value)[] changes) =>
        vault.Api.FormAsync("oauth/par", Form(application, changes));

    public static Dictionary<string, string> Form(Application application, params (string Name, string? Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["client_id"] = application.Credentials.ClientId,
            ["response_type"] = "code",
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = "openid",
            ["state"] = "pushed-state",
            ["code_challenge"] = Pkce.Challenge(OAuthVault.Verifier),
            ["code_challenge_method"] = "S256",
        };
        if (application.Credentials.ClientSecret.Length > 0)
        {
            form["client_secret"] = application.Credentials.ClientSecret;
        }

        foreach (var (name, value) in changes)
        {
            form.Remove(name);
            if (value is not null)
            {
                form[name] = value;
            }
        }

        return form;
    }

    /// <summary>Where the browser is sent with what was pushed.</summary>
    public static string Url(this OAuthVault vault, Application application, string? requestUri, params (string Name, string Value)[] more) =>
        Urls.WithQuery(vault.Issuer + "authorize", [
            new("client_id", application.Credentials.ClientId), new("request_uri", requestUri ?? ""), .. more.Select(p => KeyValuePair.Create(p.Name, p.Value))]);

    public static async Task<string> PushedUriAsync(this OAuthVault vault, Application application, params (string Name, string? Value)[] changes)
    {
        var answer = await vault.PushAsync(application, changes);
        answer.Status.ShouldBe(201, answer.Text);
        return answer["request_uri"]!;
    }

    public static Task<Answer> ComeAsync(this OAuthVault vault, Application application, string? requestUri, Browser? browser, params (string Name, string Value)[] more) =>
        vault.SendAsync(new HttpRequestMessage(HttpMethod.Get, vault.Url(application, requestUri, more)), browser);
}
