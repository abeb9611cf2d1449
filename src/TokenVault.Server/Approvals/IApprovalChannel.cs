namespace TokenVault.Server.Approvals;

/// <summary>A way to tell a user that something waits for their approval.</summary>
internal interface IApprovalChannel
{
    string Name { get; }

    /// <returns>Null when it was sent, or there is nobody to send it to; else why it has to be tried again.</returns>
    /// <exception cref="OperationCanceledException">The server stops.</exception>
    Task<string?> SendAsync(ApprovalMessage message, CancellationToken cancellationToken);
}
