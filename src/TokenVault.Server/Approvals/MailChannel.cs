using System.Net;
using System.Net.Mail;
using System.Text;

namespace TokenVault.Server.Approvals;

/// <summary>
/// Tells the user by e-mail (decision 0012). Only at an address that is known to be theirs: what somebody typed once may be anybody's.
/// </summary>
internal sealed class MailChannel(TokenVaultOptions options) : IApprovalChannel
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ApprovalOptions.MailOptions _mail = options.Approvals.Mail;

    public string Name => "mail";

    public async Task<string?> SendAsync(ApprovalMessage message, CancellationToken cancellationToken)
    {
        if (!message.User.EmailVerified || !MailAddress.TryCreate(message.User.Email, out var to))
        {
            return null;
        }

        using var mail = new MailMessage(new MailAddress(_mail.From!), to)
        {
            Subject = ApprovalMessage.OneLine($"{message.Client.Name} asks for your approval"),
            Body = message.ToText(),
            SubjectEncoding = Encoding.UTF8,
            BodyEncoding = Encoding.UTF8,
        };
        mail.Headers.Add("X-Approval-Notice", message.Id);
        using var smtp = new SmtpClient(_mail.Host, _mail.Port) { EnableSsl = _mail.StartTls };
        if (_mail.Password is { } password)
        {
            smtp.Credentials = new NetworkCredential(_mail.UserName, password.Reveal());
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            await smtp.SendMailAsync(mail, deadline.Token);
            return null;
        }
        catch (SmtpException e)
        {
            // Servers repeat addresses in what they say: only the code is for the log.
            return "the mail server did not take it: " + e.StatusCode;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "the mail server took too long";
        }
    }
}
