using System.Text.Json;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Accounts;

/// <summary>The body of <c>POST /me/v1/connected-accounts/complete</c>.</summary>
internal sealed record CompleteBody(Secret AuthSession, Secret ConnectCode, string RedirectUri, Secret? CodeVerifier)
{
    public static MyAccountProblem? Read(JsonElement body, out CompleteBody? read)
    {
        read = null;
        if (ConnectBody.Text(body, "auth_session", 1, 64, out var session) is { } badSession)
        {
            return badSession;
        }

        if (ConnectBody.Text(body, "connect_code", 1, 64, out var code) is { } badCode)
        {
            return badCode;
        }

        if (ConnectBody.Text(body, "redirect_uri", 1, 2048, out var redirectUri) is { } badUri)
        {
            return badUri;
        }

        if (ConnectBody.OptionalText(body, "code_verifier", 128, out var verifier) is { } badVerifier)
        {
            return badVerifier;
        }

        read = new CompleteBody(new Secret(session!), new Secret(code!), redirectUri!, verifier is null ? null : new Secret(verifier));
        return null;
    }
}
