using TokenVault.Server.Keys;

namespace TokenVault.Server;

/// <summary>How users are asked for approval.</summary>
internal sealed class ApprovalOptions
{
    /// <summary>Of one user, by all clients together, on one node; 0: without limit.</summary>
    public int RequestsPerMinute { get; set; } = 5;

    public WebhookOptions Webhook { get; set; } = new();

    public MailOptions Mail { get; set; } = new();

    internal sealed class WebhookOptions
    {
        /// <summary>Who tells the user; null for nobody.</summary>
        public string? Url { get; set; }

        /// <summary>What deliveries are signed with.</summary>
        public Secret? Secret { get; set; }
    }

    internal sealed class MailOptions
    {
        /// <summary>The SMTP server; null: no mail is sent.</summary>
        public string? Host { get; set; }

        public int Port { get; set; } = 587;

        /// <summary>Off only for a server on the way to which nobody listens.</summary>
        public bool StartTls { get; set; } = true;

        /// <summary>The sender's address.</summary>
        public string? From { get; set; }

        public string? UserName { get; set; }

        public Secret? Password { get; set; }
    }
}
