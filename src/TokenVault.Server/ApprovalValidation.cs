using System.Net.Mail;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;

namespace TokenVault.Server;

/// <summary>Reads and checks the settings of approvals.</summary>
internal static class ApprovalValidation
{
    private const int ShortestSecret = 32;

    public static string[] Keys { get; } =
    [
        "Approvals:RequestsPerMinute", "Approvals:Webhook:Url", "Approvals:Webhook:Secret", "Approvals:Webhook:SecretFile",
        "Approvals:Mail:Host", "Approvals:Mail:Port", "Approvals:Mail:StartTls", "Approvals:Mail:From", "Approvals:Mail:UserName",
        "Approvals:Mail:Password", "Approvals:Mail:PasswordFile",
    ];

    public static void Bind(IConfigurationSection section, ApprovalOptions options, List<string> errors)
    {
        options.RequestsPerMinute = OptionsValidation.Parse(
            section, "Approvals:RequestsPerMinute", options.RequestsPerMinute, OptionsValidation.TryParseCount, "a number from 0 (without limit) to 1000000", errors);
        options.Webhook.Url = section["Approvals:Webhook:Url"];
        options.Webhook.Secret = SecretOf(section, "Approvals:Webhook:Secret", errors);
        var mail = options.Mail;
        mail.Host = section["Approvals:Mail:Host"];
        mail.Port = OptionsValidation.Parse(section, "Approvals:Mail:Port", mail.Port, OptionsValidation.TryParsePort, "a port from 1 to 65535", errors);
        mail.StartTls = OptionsValidation.Parse(section, "Approvals:Mail:StartTls", mail.StartTls, bool.TryParse, "true or false", errors);
        mail.From = section["Approvals:Mail:From"];
        mail.UserName = section["Approvals:Mail:UserName"];
        mail.Password = SecretOf(section, "Approvals:Mail:Password", errors);
    }

    public static IEnumerable<string> Check(ApprovalOptions options)
    {
        var (webhook, mail) = (options.Webhook, options.Mail);
        if ((webhook.Url is null) != (webhook.Secret is null))
        {
            yield return $"{OptionsValidation.Name("Approvals:Webhook:Url")} and {OptionsValidation.Name("Approvals:Webhook:Secret")} come together: deliveries are signed.";
        }

        if (webhook.Url is { } url && !UpstreamUrl.TryParse(url, out _, out var problem))
        {
            yield return $"{OptionsValidation.Name("Approvals:Webhook:Url")} {problem}.";
        }

        if (webhook.Secret is { } secret && secret.Reveal().Length < ShortestSecret)
        {
            yield return $"{OptionsValidation.Name("Approvals:Webhook:Secret")} must have {ShortestSecret} characters at least.";
        }

        if ((mail.Host is null) != (mail.From is null))
        {
            yield return $"{OptionsValidation.Name("Approvals:Mail:Host")} and {OptionsValidation.Name("Approvals:Mail:From")} come together.";
        }

        if (mail.From is { } from && !MailAddress.TryCreate(from, out _))
        {
            yield return $"{OptionsValidation.Name("Approvals:Mail:From")}: '{from}' is not a mail address.";
        }

        if ((mail.UserName is null) != (mail.Password is null))
        {
            yield return $"{OptionsValidation.Name("Approvals:Mail:UserName")} and {OptionsValidation.Name("Approvals:Mail:Password")} come together.";
        }

        if (mail.Password is not null && !mail.StartTls)
        {
            yield return $"{OptionsValidation.Name("Approvals:Mail:StartTls")} must be on where there is a password: it would travel in the clear.";
        }
    }

    private static Secret? SecretOf(IConfigurationSection section, string key, List<string> errors) =>
        OptionsValidation.SecretValue(section, key, errors) is { } text ? new Secret(text) : null;
}
