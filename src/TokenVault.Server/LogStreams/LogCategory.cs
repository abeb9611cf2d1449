using TokenVault.Server.Audit;

namespace TokenVault.Server.LogStreams;

/// <summary>The names by which the field's tools filter a stream.</summary>
internal static class LogCategory
{
    private const string Other = "other";

    private static readonly Dictionary<string, string> OfType = new(StringComparer.Ordinal)
    {
        [AuditType.SuccessfulLogin] = "auth.login.success",
        [AuditType.FailedLogin] = "auth.login.fail",
        [AuditType.FailedLoginWrongPassword] = "auth.login.fail",
        [AuditType.FailedLoginUnknownUser] = "auth.login.fail",
        [AuditType.FailedLogout] = "auth.logout.fail",
        [AuditType.BlockedAccount] = "auth.login.notification",
        [AuditType.BlockedAddress] = "auth.login.notification",
        [AuditType.ApiLimit] = "system.notification",
        [AuditType.BackchannelLogoutSucceeded] = "auth.logout.success",
        [AuditType.BackchannelLogoutFailed] = "auth.logout.fail",
        [AuditType.SuccessfulLogout] = "auth.logout.success",
        [AuditType.SuccessfulVaultExchange] = "auth.token_exchange.success",
        [AuditType.SuccessfulCodeExchange] = "auth.token_exchange.success",
        [AuditType.SuccessfulRefreshExchange] = "auth.token_exchange.success",
        [AuditType.SuccessfulClientCredentials] = "auth.token_exchange.success",
        [AuditType.FailedVaultExchange] = "auth.token_exchange.fail",
        [AuditType.FailedCodeExchange] = "auth.token_exchange.fail",
        [AuditType.FailedRefreshExchange] = "auth.token_exchange.fail",
        [AuditType.FailedClientCredentials] = "auth.token_exchange.fail",
        [AuditType.SuccessfulDeviceExchange] = "auth.token_exchange.success",
        [AuditType.FailedDeviceExchange] = "auth.token_exchange.fail",
        [AuditType.RefreshTokenReuse] = "auth.token_exchange.fail",
        [AuditType.SuccessfulTokenExchange] = "auth.token_exchange.success",
        [AuditType.SuccessfulOnBehalfOf] = "auth.token_exchange.success",
        [AuditType.FailedTokenExchange] = "auth.token_exchange.fail",
        [AuditType.FailedOnBehalfOf] = "auth.token_exchange.fail",
        [AuditType.BackchannelStarted] = "auth.token_exchange.success",
        [AuditType.BackchannelNotStarted] = "auth.token_exchange.fail",
        [AuditType.SuccessfulBackchannelExchange] = "auth.token_exchange.success",
        [AuditType.FailedBackchannelExchange] = "auth.token_exchange.fail",
        [AuditType.ApprovalRequested] = "user.notification",
        [AuditType.ApprovalGiven] = "user.success",
        [AuditType.ApprovalDenied] = "user.fail",
        [AuditType.ManagementWrite] = "management.success",
        [AuditType.ManagementRead] = "management.success",
        [AuditType.FailedManagementWrite] = "management.fail",
        [AuditType.ConnectedAccountSucceeded] = "user.success",
        [AuditType.ConnectedAccountDeleted] = "user.success",
        [AuditType.ConsentGiven] = "user.success",
        [AuditType.ConnectedAccountFailed] = "user.fail",
        [AuditType.ConnectedAccountDeleteFailed] = "user.fail",
        [AuditType.ConsentDenied] = "user.fail",
        [AuditType.CalledOnBehalf] = "user.success",
        [AuditType.CallOnBehalfFailed] = "user.fail",
        [AuditType.FactorEnrolled] = "user.success",
        [AuditType.FactorRemoved] = "user.success",
        [AuditType.PasskeyNotEnrolled] = "user.fail",
        [AuditType.FactorAccepted] = "auth.login.success",
        [AuditType.RecoveryAccepted] = "auth.login.success",
        [AuditType.FactorRefused] = "auth.login.fail",
        [AuditType.FactorLimitReached] = "auth.login.fail",
        [AuditType.RecoveryRefused] = "auth.login.fail",
        [AuditType.PasskeyRefused] = "auth.login.fail",
        [AuditType.ActionFailed] = "actions",
        [AuditType.ActionDenied] = "actions",
        [AuditType.TokensetDied] = "system.notification",
        [AuditType.TokensetRecovered] = "system.notification",
        [AuditType.TokensetExpiresSoon] = "system.notification",
        [AuditType.TokensetCorrupt] = "system.notification",
        [AuditType.WorkerLimitReached] = "system.notification",
        [AuditType.LogEntryCorrupt] = "system.notification",
        [AuditType.LogStreamSuspended] = "system.notification",
        [AuditType.AuditRetired] = "system.notification",
    };

    /// <summary>Those of the field that no event here has are known as well: a stream may name them.</summary>
    public static IReadOnlySet<string> All { get; } = OfType.Values
        .Concat(["auth.signup.success", "auth.signup.fail", "auth.silent_auth.success", "auth.silent_auth.fail",
            "user.notification", "scim.event", "actions", Other])
        .ToHashSet(StringComparer.Ordinal);

    public static string Of(string? type) => OfType.GetValueOrDefault(type ?? "", Other);
}
