using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>What the log is told of Management API requests, besides the writes that succeeded: those leave their trace in their own commit.</summary>
internal sealed partial class ManagementTrace(TokenVaultOptions options, IStorage storage, AuditLog audit, ILogger<ManagementTrace> logger)
{
    /// <summary>
    /// Refused writes, reads that were not allowed and whatever broke always; other reads where the operator wishes. What the caller is
    /// told may repeat what they sent; the log is told the code.
    /// </summary>
    public async ValueTask AnsweredAsync(ManagementRequest request, ManagementAnswer answer)
    {
        var row = answer.Error switch
        {
            { } error when !request.IsRead || error.Status is 403 or >= 500 || options.Audit.ManagementReads => Refused(request, error),
            null when request.IsRead && options.Audit.ManagementReads => request.Audit("Read", answer.Status, target: null) with { Type = AuditType.ManagementRead },
            _ => null,
        };
        if (row is not null)
        {
            await storage.CommitAsync(new Batch().Append(audit.Row(row)));
        }
    }

    /// <summary>A bug or a broken row; perhaps the store is away, and then only the server's own log hears of it.</summary>
    public async ValueTask BrokeAsync(ManagementRequest? request, string method, Exception exception)
    {
        Failed(logger, method, exception);
        if (request is null)
        {
            return;
        }

        try
        {
            await storage.CommitAsync(new Batch().Append(audit.Row(Refused(request, ManagementError.Internal))));
        }
        catch (Exception e)
        {
            Failed(logger, method, e);
        }
    }

    private static AuditEvent Refused(ManagementRequest request, ManagementError error) => request.Audit("Refused", error.Status, target: null) with
    {
        Type = AuditType.FailedManagementWrite,
        Description = $"Refused: {error.Code ?? error.Phrase}",
    };

    [LoggerMessage(4002, LogLevel.Error, "A Management API {Method} request failed")]
    private static partial void Failed(ILogger logger, string method, Exception exception);
}
