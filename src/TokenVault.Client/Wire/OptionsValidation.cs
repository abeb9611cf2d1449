using Microsoft.Extensions.Options;

namespace TokenVault.Client.Wire;

/// <summary>Everything that is wrong, at once, without repeating a secret.</summary>
internal sealed class OptionsValidation : IValidateOptions<TokenVaultOptions>
{
    public ValidateOptionsResult Validate(string? name, TokenVaultOptions options)
    {
        var errors = Errors(options).ToList();
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    public static void ThrowIfWrong(TokenVaultOptions options)
    {
        var errors = Errors(options).ToList();
        if (errors.Count > 0)
        {
            throw new OptionsValidationException(nameof(TokenVaultOptions), typeof(TokenVaultOptions), errors);
        }
    }

    private static IEnumerable<string> Errors(TokenVaultOptions options)
    {
        if (!Uri.TryCreate(options.Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme != Uri.UriSchemeHttps
            || !options.Issuer.EndsWith('/') || issuer.Query.Length > 0 || issuer.Fragment.Length > 0 || issuer.UserInfo.Length > 0)
        {
            yield return "Issuer must be the server's https address with a closing slash, such as https://vault.example/.";
        }

        if (string.IsNullOrWhiteSpace(options.ClientId))
        {
            yield return "ClientId is missing.";
        }

        if (options.ClientSecret is not null && options.Authentication is not null)
        {
            yield return "ClientSecret and Authentication are both set: the client has one way to prove itself.";
        }

        if (options.ClientSecret is { Length: 0 })
        {
            yield return "ClientSecret is empty.";
        }

        if (options.Timeout <= TimeSpan.Zero || options.Timeout > TimeSpan.FromMinutes(10))
        {
            yield return "Timeout must be more than nothing and at most 10 minutes.";
        }

        if (options.ExpiryMargin < TimeSpan.Zero || options.MaxCacheAge < TimeSpan.Zero || options.MaxCachedTokens < 1)
        {
            yield return "ExpiryMargin and MaxCacheAge must not be negative, and MaxCachedTokens at least 1.";
        }
    }
}
