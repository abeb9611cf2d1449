using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>What <see cref="ActivateEndpoint"/> shows.</summary>
internal static class ActivatePages
{
    public const string ConsentPath = "/activate/consent";

    /// <param name="userCode">From the address: to be compared with the device, not to be typed (RFC 8628 §3.3.1).</param>
    public static Page Entry(string state, string? userCode, string? problem, int status)
    {
        var alert = problem is null ? Html.Empty : Html.Of($"<p class=\"error\" role=\"alert\">{problem}</p>");
        var body = Html.Of($"""
            <h1>Connect a device</h1>{alert}
            <form method="post" action="{ActivateEndpoint.Path}"><input type="hidden" name="state" value="{state}">
            {(userCode is null ? Empty() : Confirmation(userCode))}</form>
            """);
        return new Page("Connect a device", body) { Status = status };
    }

    public static Page Consent(string state, AuthorizeRequest request, User user, IReadOnlyList<string> scopes, ResourceServer? api)
    {
        var name = request.Client.Name;
        var where = api is null ? Html.Empty : Html.Of($" at {api.Name} <code>{api.Identifier}</code>");
        var body = Html.Of($"""
            <h1>Allow {name} on your device?</h1>
            <p>Signed in as <strong>{user.Email ?? user.Username ?? user.UserId}</strong>.</p>
            <p id="asked">A device asks for access{where} as {name}:</p><ul aria-labelledby="asked">{ConsentScopes.List(scopes, api)}</ul>
            <p>Allow it only if the device is yours and you have begun this on it.</p>
            <form method="post" action="{ConsentPath}"><input type="hidden" name="state" value="{state}">
            <button type="submit" name="action" value="allow">Allow</button>
            <button type="submit" name="action" value="deny" class="plain">Deny</button></form>
            """);
        return new Page("Connect a device", body);
    }

    public static Page Done(bool allowed) => allowed
        ? new Page("Device connected", Html.Of($"<h1>Device connected</h1><p>Go back to your device. You can close this window.</p>"))
        : new Page("Device refused", Html.Of($"<h1>Device refused</h1><p>It has got no access. You can close this window.</p>"));

    public static Page Over() =>
        Page.Error(400, "This page has expired", "The device does not wait any more, or the page was answered already. Begin again on the device. Cookies must be allowed.");

    private static Html Empty() => Html.Of($"""
        <label for="user_code">Enter the code that your device shows</label>
        <input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="32" required autofocus>
        <button type="submit">Continue</button>
        """);

    private static Html Confirmation(string userCode) => Html.Of($"""
        <input type="hidden" name="user_code" value="{userCode}">
        <p>Does your device show this code?</p><p><strong>{userCode}</strong></p>
        <button type="submit">Yes, continue</button>
        """);
}
