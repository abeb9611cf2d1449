using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Devices;

/// <summary>A television, say, and what its user does for it in a browser.</summary>
internal sealed record Device(VaultApi Api, Credentials Client, Answer Begun)
{
    public string DeviceCode => Begun["device_code"]!;

    public string UserCode => Begun["user_code"]!;

    /// <summary>A public client of the kind that devices are.</summary>
    public static async Task<Credentials> ClientAsync(Operator admin, string name = "Television", JsonObject? more = null)
    {
        var body = new JsonObject
        {
            ["name"] = name,
            ["app_type"] = "native",
            ["token_endpoint_auth_method"] = "none",
            ["grant_types"] = new JsonArray(Wire.DeviceCode, Wire.RefreshToken),
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        return new Credentials(Credentials.Of(await admin.CreateAsync("clients", body)).ClientId, "");
    }

    public static async Task<Device> BeginAsync(VaultApi api, Credentials client, string? audience = null, string scope = "openid offline_access")
    {
        var form = new Dictionary<string, string> { ["client_id"] = client.ClientId, ["scope"] = scope };
        if (audience is not null)
        {
            form["audience"] = audience;
        }

        var answer = await api.FormAsync("oauth/device/code", form);
        answer.Status.ShouldBe(200, answer.Text);
        return new Device(api, client, answer);
    }

    /// <summary>Asks whether the user has answered.</summary>
    public Task<Answer> AskAsync(VaultApi? at = null, string? code = null) => (at ?? Api).FormAsync("oauth/token", new Dictionary<string, string>
    {
        ["grant_type"] = Wire.DeviceCode,
        ["client_id"] = Client.ClientId,
        ["device_code"] = code ?? DeviceCode,
    });

    /// <summary>The user enters the code, and signs in where that is asked for.</summary>
    /// <param name="at">Another node; null: where the device has begun.</param>
    public async Task<Visit> EnterAsync(Browser browser, string email, string password, string? code = null, VaultApi? at = null)
    {
        var page = await browser.GoAsync(at is null ? Begun["verification_uri"]! : at.Issuer + "activate");
        page = await browser.SubmitAsync(page, new Dictionary<string, string> { ["user_code"] = code ?? UserCode });
        return page.Html.Contains("name=\"password\"", StringComparison.Ordinal)
            ? await browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = email, ["password"] = password })
            : page;
    }

    public static Task<Visit> AnswerAsync(Browser browser, Visit consent, string action) =>
        browser.SubmitAsync(consent, new Dictionary<string, string> { ["action"] = action });

    public static string TextOf(Visit visit) => WebUtility.HtmlDecode(Regex.Replace(visit.Html, "<[^>]+>", " "));
}
