namespace TokenVault.Server.Diagnostics;

/// <summary>Every line that the server logs. No parameter can carry a secret.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Token Vault serves {Issuer}")]
    public static partial void Serving(ILogger logger, string issuer);

    [LoggerMessage(2, LogLevel.Information, "First start: the machine client for the Management API is in {File}")]
    public static partial void Bootstrapped(ILogger logger, string file);

    [LoggerMessage(10, LogLevel.Warning, "The refresh of tokenset {TokensetId} at {Connection} failed: {Kind}: {Detail}")]
    public static partial void RefreshFailed(ILogger logger, string tokensetId, string connection, string kind, string detail);

    [LoggerMessage(11, LogLevel.Error, "The refresh of tokenset {TokensetId} is not saved yet; saving is tried again")]
    public static partial void RefreshNotSaved(ILogger logger, Exception exception, string tokensetId);

    [LoggerMessage(12, LogLevel.Critical, "The stored {Kind} {Id} is corrupt or was altered: it is refused; others are unaffected")]
    public static partial void CorruptRecord(ILogger logger, Exception exception, string kind, string id);

    [LoggerMessage(13, LogLevel.Warning, "Connecting an account at {Connection} failed: {Kind}: {Detail}")]
    public static partial void ConnectFailed(ILogger logger, string connection, string kind, string detail);

    [LoggerMessage(23, LogLevel.Warning, "Signing in through {Connection} failed: {Code}: {Detail}")]
    public static partial void SignInFailed(ILogger logger, string connection, string code, string detail);

    [LoggerMessage(14, LogLevel.Error, "The provider's answer to the refresh of tokenset {TokensetId} could not be read; it is kept, sealed, as receipt {ReceiptId}")]
    public static partial void AnswerUnread(ILogger logger, string tokensetId, string receiptId);

    [LoggerMessage(15, LogLevel.Information, "Tokens that newer ones overtook or replaced are kept as a spare of tokenset {TokensetId}")]
    public static partial void SpareKept(ILogger logger, string tokensetId);

    [LoggerMessage(16, LogLevel.Error, "The spool of refreshed tokens has no room left")]
    public static partial void SpoolFull(ILogger logger);

    [LoggerMessage(17, LogLevel.Critical, "A slot of the spool of refreshed tokens cannot be opened: it is left as it is")]
    public static partial void SpoolCorrupt(ILogger logger, Exception exception);

    [LoggerMessage(18, LogLevel.Critical, "The spool of refreshed tokens cannot be written")]
    public static partial void SpoolBroken(ILogger logger, Exception exception);

    [LoggerMessage(19, LogLevel.Error, "The refresh of tokenset {TokensetId} was broken off: the store is away")]
    public static partial void RefreshBrokenOff(ILogger logger, Exception exception, string tokensetId);

    [LoggerMessage(24, LogLevel.Critical, "The privileged worker {ClientId} has reached its limit of {Limit}, {Most}: is its key stolen?")]
    public static partial void WorkerLimitReached(ILogger logger, string clientId, string limit, int most);

    [LoggerMessage(22, LogLevel.Error, "Background work failed and is tried again: {Work}")]
    public static partial void BackgroundWorkFailed(ILogger logger, Exception exception, string work);

    [LoggerMessage(30, LogLevel.Information, "Re-wrapping under vault key {Key}: pass {Pass}, {Done} of {Total} rows, {Rewrapped} re-wrapped")]
    public static partial void RewrapProgress(ILogger logger, string key, int pass, long done, long total, long rewrapped);

    [LoggerMessage(31, LogLevel.Information, "Re-wrapped {Rewrapped} rows; everything that opens is under vault key {Key}; rows that do not open: {LeftBehind}")]
    public static partial void RewrapFinished(ILogger logger, long rewrapped, string key, long leftBehind);

    [LoggerMessage(32, LogLevel.Information, "Vault key {Key} is retired: nothing refers to it any more")]
    public static partial void KeyRetired(ILogger logger, string key);

    [LoggerMessage(33, LogLevel.Critical, "The vault keys were changed, and this server cannot read them")]
    public static partial void KeysNotRead(ILogger logger, Exception exception);

    [LoggerMessage(34, LogLevel.Warning, "Operators cannot reach this server from its command line: {Reason}")]
    public static partial void ControlSocketFailed(ILogger logger, string reason);

    [LoggerMessage(35, LogLevel.Critical, "Audit rows are not chained any more")]
    public static partial void AuditChainBroken(ILogger logger, Exception exception);

    [LoggerMessage(36, LogLevel.Warning, "Log stream {Stream} could not be delivered, and is tried again: {Problem}")]
    public static partial void LogStreamFailed(ILogger logger, string stream, string problem);

    [LoggerMessage(37, LogLevel.Warning, "A user could not be told by {Channel} of approval {Approval}, and is tried again: {Problem}")]
    public static partial void ApprovalNoticeFailed(ILogger logger, string channel, string approval, string problem);

    [LoggerMessage(20, LogLevel.Error, "Purging expired rows failed; it is tried again")]
    public static partial void PurgeFailed(ILogger logger, Exception exception);

    [LoggerMessage(21, LogLevel.Error, "A request failed unexpectedly: {Method} {Route}")]
    public static partial void UnexpectedFailure(ILogger logger, Exception exception, string method, string route);
}
