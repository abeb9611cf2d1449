namespace TokenVault.Server.Audit;

/// <summary>Event codes, as tenant log readers know them.</summary>
internal static class AuditType
{
    public const string SuccessfulVaultExchange = "seta";
    public const string FailedVaultExchange = "feta";
    public const string SuccessfulCodeExchange = "seacft";
    public const string FailedCodeExchange = "feacft";
    public const string SuccessfulRefreshExchange = "sertft";
    public const string FailedRefreshExchange = "fertft";
    public const string RefreshTokenReuse = "ferrt";
    public const string SuccessfulClientCredentials = "seccft";
    public const string FailedClientCredentials = "feccft";
    public const string SuccessfulDeviceExchange = "sede";
    public const string FailedDeviceExchange = "fede";
    public const string SuccessfulLogin = "s";
    public const string FailedLogin = "f";
    public const string FailedLoginWrongPassword = "fp";
    public const string FailedLoginUnknownUser = "fu";
    public const string SuccessfulLogout = "slo";
    public const string FailedLogout = "flo";
    public const string BackchannelLogoutSucceeded = "oidc_backchannel_logout_succeeded";
    public const string BackchannelLogoutFailed = "oidc_backchannel_logout_failed";
    public const string BlockedAccount = "limit_wc";
    public const string BlockedAddress = "limit_mu";
    public const string ApiLimit = "api_limit";
    public const string RevokedRefreshToken = "srrt";
    public const string ManagementWrite = "sapi";
    public const string FailedManagementWrite = "fapi";
    public const string ManagementRead = "mgmt_api_read";
    public const string ConsentGiven = "consent_granted";
    public const string ConsentDenied = "consent_denied";
    public const string ConnectedAccountSucceeded = "connected_accounts_connection_succeeded";
    public const string ConnectedAccountFailed = "connected_accounts_connection_failed";
    public const string ConnectedAccountDeleted = "connected_accounts_delete_succeeded";
    public const string ConnectedAccountDeleteFailed = "connected_accounts_delete_failed";
    public const string TokensetRefreshed = "tokenset_refreshed";
    public const string TokensetRecovered = "tokenset_recovered";
    public const string TokensetDied = "tokenset_died";
    public const string TokensetExpiresSoon = "tokenset_expires_soon";
    public const string TokensetCorrupt = "tokenset_corrupt";
    public const string TokensetAnswerUnread = "tokenset_answer_unread";
    public const string TokenRevoked = "token_revoked";
    public const string TokenRevocationFailed = "token_revocation_failed";
    public const string WorkerLimitReached = "privileged_worker_limit_reached";
    public const string FactorEnrolled = "gd_enrollment_complete";
    public const string FactorRemoved = "gd_unenroll";
    public const string FactorAccepted = "gd_auth_succeed";
    public const string FactorRefused = "gd_auth_failed";
    public const string FactorLimitReached = "gd_otp_rate_limit_exceed";
    public const string RecoveryAccepted = "gd_recovery_succeed";
    public const string RecoveryRefused = "gd_recovery_failed";
    public const string PasskeyRefused = "gd_webauthn_challenge_failed";
    public const string PasskeyNotEnrolled = "gd_webauthn_enrollment_failed";
    public const string LogStreamSuspended = "log_stream_suspended";
    public const string LogEntryCorrupt = "log_entry_corrupt";
    public const string AuditRetired = "audit_retired";
}
