using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>What an application hears of a sign-in that a provider did not let succeed.</summary>
internal static class SignInErrors
{
    /// <summary>What is wrong with our registration at the provider is not the application's fault, and must not look like it.</summary>
    private static readonly string[] OurFault = ["invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope"];

    /// <summary>The provider's text is a stranger's and stays here; of its codes only known ones go on (T-CF-11).</summary>
    public static OAuthError OfProvider(string code)
    {
        var known = ConnectCallback.KnownErrors.Contains(code, StringComparer.Ordinal) && !OurFault.Contains(code, StringComparer.Ordinal);
        return new OAuthError(400, known ? code : "server_error", "The provider did not let the user sign in.");
    }

    public static OAuthError Of(ProviderFailure failure)
    {
        var away = failure.Kind is ProviderFailureKind.Unavailable or ProviderFailureKind.NotSent or ProviderFailureKind.OutcomeUnknown;
        return (away
            ? new OAuthError(400, "temporarily_unavailable", "The provider is temporarily unavailable.")
            : new OAuthError(400, "server_error", "The provider's answer could not be used.")) with
        { Detail = $"{failure.Kind}: {failure.Detail}" };
    }
}
