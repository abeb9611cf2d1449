using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection.Extensions;
using TokenVault.Server.Accounts;
using TokenVault.Server.Actions;
using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;
using TokenVault.Server.Keys;
using TokenVault.Server.LogStreams;
using TokenVault.Server.Mcp;
using TokenVault.Server.OAuth;
using TokenVault.Server.OAuth.Ciba;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.OAuth.Grants;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.OAuth.Logout;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.OAuth.TokenExchange;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server;

/// <summary>What each slice brings: its services, and its routes.</summary>
internal sealed partial class TokenVaultServer
{
    private static void Register(IServiceCollection services, TokenVaultOptions options, IStorage storage, KeyRing ring, SigningKeys keys)
    {
        services.AddSingleton(options).AddSingleton(storage).AddSingleton(ring).AddSingleton(keys).AddSingleton<RecordCache>().AddSingleton(typeof(RememberedRows<>));
        services.AddSingleton<AuditLog>().AddSingleton<AccessTokens>().AddSingleton<DpopProofs>().AddSingleton<PresentedTokens>().AddSingleton<AttemptLimiter>().AddSingleton<LimitAlarm>().AddSingleton<RequestRates>().AddSingleton<Health>();
        services.AddSingleton<Cursors>().AddSingleton<ManagementGate>().AddSingleton<ManagementTrace>().AddSingleton<ManagementRecords>().AddSingleton<Bootstrap>();
        services.AddSingleton<SessionPolicy>().AddSingleton<SessionTerms>(s => s.GetRequiredService<SessionPolicy>().CurrentAsync);
        services.AddSingleton<SessionCookie>().AddSingleton<PageStates>().AddSingleton<PasswordHashes>().AddSingleton<LoginEndpoint>().AddSingleton<LoginAttempts>();
        services.AddSingleton<FactorVisits>().AddSingleton<FactorAcceptance>().AddSingleton<FactorCodes>().AddSingleton<FactorSecrets>().AddSingleton<RecoveryCodes>();
        services.AddSingleton<KnownBrowsers>().AddSingleton<PasskeyCeremony>().AddSingleton<ChallengeEndpoint>().AddSingleton<EnrolmentEndpoint>().AddSingleton<FactorEndpoints>();
        services.AddSingleton<UserEndpoints>().AddSingleton<SignInChoices>(s => s.GetRequiredService<SignInPages>().ChoicesAsync);
        services.AddSingleton<ClientAuthenticator>().AddSingleton<AuthenticationTrace>().AddSingleton<AssertionVerifier>().AddSingleton<CertificateVerifier>().AddSingleton<ApiAccessPolicy>().AddSingleton<MultiFactorPolicy>().AddSingleton<RefreshTokens>().AddSingleton<BrowserOrigins>();
        services.AddSingleton<CallerStanding>(s => s.GetRequiredService<ApiAccessPolicy>().StandingAsync);
        services.AddSingleton<ClientEndpoints>().AddSingleton<ClientCredentialEndpoints>().AddSingleton<ClientGrantEndpoints>().AddSingleton<ResourceServerEndpoints>();
        services.AddSingleton(_ => ProviderCatalog.Load()).TryAddSingleton<EgressGuard>();
        services.AddSingleton(s => ProviderClient.Create(
            s.GetRequiredService<ProviderCatalog>(), s.GetRequiredService<EgressGuard>(), ring, options, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ConnectionEndpoints>().AddSingleton<ConnectionClientEndpoints>().AddSingleton<ConnectionKeyEndpoints>().AddSingleton<ConnectionCheckEndpoint>().AddSingleton<ProviderProbe>();
        services.AddSingleton<ClientRemoval>(s => s.GetRequiredService<ConnectionClientEndpoints>().RemoveClientAsync);
        services.AddSingleton<TokensetSealer>().AddSingleton<TokensetFinder>().AddSingleton<TokensetUses>().AddHostedService(s => s.GetRequiredService<TokensetUses>()).AddSingleton<TokensetRefresher>().AddSingleton<RefreshCall>().AddSingleton<TokenNarrowing>();
        services.AddSingleton<RefreshWait>().AddSingleton<RefreshSaver>().AddSingleton<RefreshLanding>().AddSingleton<RefreshKeeping>().AddSingleton<RefreshSpool>();
        services.AddSingleton<RevocationOutbox>().AddSingleton<RevocationAttempt>().AddHostedService<RevocationService>().AddHostedService<RefreshRecovery>().AddHostedService<ExpiryWatch>();
        services.AddHostedService<HeldGrantSweep>();
        services.AddSingleton<AccountRemoval>().AddSingleton<AccountDisconnection>();
        services.AddSingleton<AccountScopes>().AddSingleton<AccountMove>().AddSingleton<UserMove>(s => s.GetRequiredService<AccountMove>().OfUserAsync);
        services.AddSingleton<UserRemoval>(s => s.GetRequiredService<AccountRemoval>().OfUserAsync);
        services.AddSingleton<ConnectionRemoval>(s => s.GetRequiredService<AccountRemoval>().OfConnectionAsync);
        services.AddSingleton<ConnectionDependents>();
        services.AddSingleton<ConnectionHoldings>(s => s.GetRequiredService<SignInDeparture>().AreUnderWayAsync).AddSingleton<ConnectionHoldings>(s => s.GetRequiredService<AccountRemoval>().HasTokensAsync);
        services.AddSingleton<ConnectSealer>().AddSingleton<ConnectFlow>().AddSingleton<ConnectCallback>().AddSingleton<ConnectBrowserLeg>();
        services.AddSingleton<ConnectPage>().AddSingleton<ConnectDeparture>();
        services.AddSingleton<ConnectCompletion>().AddSingleton<GrantAdoption>().AddSingleton<MyAccountGate>().AddSingleton<MyAccountLists>().AddSingleton<MyAccountEndpoints>();
        services.AddSingleton<UserAccountEndpoints>().AddSingleton<SessionEndpoints>().AddSingleton<SessionRevocation>().AddSingleton<RefreshTokenEndpoints>();
        services.AddSingleton<TenantEndpoints>().AddSingleton<TokenExchangeProfileEndpoints>().AddSingleton<SigningKeyEndpoints>().AddSingleton<EncryptionKeyEndpoints>();
        services.AddSingleton<ReferenceEndpoints>();
        services.AddSingleton<SubjectTokenReader>().AddSingleton<AccessTokenSubjects>().AddSingleton<SubjectPossession>().AddSingleton<PrivilegedSubjectReader>().AddSingleton<PrivilegedBudget>().AddSingleton<ExchangeAudit>().AddSingleton<ExchangeRules>().AddSingleton<TokenReach>().AddSingleton<FederatedConnectionExchange>();
        services.AddSingleton<McpGate>().AddSingleton<CallTrace>().AddSingleton<OnBehalfCall>().AddSingleton<ConnectLinks>().AddSingleton<ConnectPages>().AddSingleton<McpTools>().AddSingleton<McpEndpoint>();
        services.AddSingleton<IdTokens>().AddSingleton<TokenIssuer>().AddSingleton<MultiResourcePolicy>().AddSingleton<MultiFactorTokens>().AddSingleton<RefreshAccess>().AddSingleton<AuthenticatorsEndpoint>();
        services.AddSingleton<IGrant, AuthorizationCodeGrant>().AddSingleton<IGrant, RefreshTokenGrant>().AddSingleton<IGrant, ClientCredentialsGrant>().AddSingleton<IGrant, FederatedExchangeGrant>();
        services.AddSingleton<SubjectTokens>().AddSingleton<ActorTokens>().AddSingleton<CustomProfiles>().AddSingleton<DelegationPolicy>().AddSingleton<DelegationAudit>().AddSingleton<IGrant, TokenExchangeGrant>();
        services.AddSingleton<IGrant, DeviceCodeGrant>().AddSingleton<DeviceRequests>().AddSingleton<DeviceEndpoint>().AddSingleton<DeviceApproval>().AddSingleton<ActivateEndpoint>().AddSingleton<ResumeEndpoint>();
        RegisterApprovals(services, options);
        services.AddSingleton<AuthorizationGranter>().AddSingleton<ConsentEndpoint>().AddSingleton<AuthorizeEndpoint>().AddSingleton<TokenCaller>().AddSingleton<TokenEndpoint>();
        services.AddSingleton<PushedRequests>().AddSingleton<PushEndpoint>();
        services.AddSingleton<AuthorizeRequests>().AddSingleton<SignInStep>().AddSingleton<MultiFactorStep>().AddSingleton<SignInDeparture>().AddSingleton<SignInPages>().AddSingleton<SignInUsers>();
        services.AddSingleton<SignInSession>().AddSingleton<SignInReturn>().AddSingleton<SignInEndpoint>();
        services.AddSingleton<IdentityLinking>().AddSingleton<LinkScopes>().AddSingleton<IdentityEndpoints>();
        services.AddSingleton<DiscoveryEndpoint>().AddSingleton<UserinfoEndpoint>().AddSingleton<RevocationEndpoint>().AddSingleton<LogoutEndpoint>();
        services.AddSingleton<SignOut>().AddSingleton<LogoutOutbox>().AddSingleton<LogoutTokens>().AddHostedService<LogoutDelivery>();
        services.AddSingleton<SessionEnd>(s => s.GetRequiredService<LogoutOutbox>().EndAsync).AddSingleton<UserRemoval>(s => s.GetRequiredService<LogoutOutbox>().RemoveUserAsync);
        services.AddSingleton(SealedNouns.All).AddSingleton(options.RootKeys).AddSingleton<KeyRotation>().AddSingleton<KeyRewrap>();
        services.AddSingleton<KeysOperation>().AddSingleton<RevokeOperation>().AddHostedService<KeyRewrapService>();
        services.AddSingleton<AuditOperation>().AddSingleton<AuditChain>().AddSingleton<LogView>().AddSingleton<LogEndpoints>().AddHostedService<AuditChainService>();
        services.AddSingleton<LogStreamSender>().AddSingleton<LogStreamPump>().AddSingleton<StreamPositions>(s => s.GetRequiredService<LogStreamPump>().PositionsAsync).AddHostedService(s => s.GetRequiredService<LogStreamPump>());
        services.AddSingleton<LogStreamBody>().AddSingleton<LogStreamEndpoints>().AddHostedService<LogTelemetry>();
        RegisterActions(services);
        if (options.Storage.ConnectionString is null)
        {
            services.AddHostedService<ControlSocket>();
        }

        services.AddHostedService<ExpiredRowPurge>().AddHostedService<TelemetryExport>();

        // The framework's own switch for forwarded addresses believes anybody; here only named proxies are believed (T-PW-05).
        services.PostConfigure<ForwardedHeadersOptions>(forwarded => forwarded.ForwardedHeaders = ForwardedHeaders.None);
    }

    /// <summary>A channel that is not configured is not there.</summary>
    private static void RegisterApprovals(IServiceCollection services, TokenVaultOptions options)
    {
        services.AddSingleton<ApprovalRequests>().AddSingleton<ApprovalPolls>().AddSingleton<ApprovalDecision>().AddHostedService<ApprovalNotices>();
        services.AddSingleton<BackchannelAccess>().AddSingleton<BackchannelEndpoint>().AddSingleton<ApprovalPages>().AddSingleton<ApprovalEndpoint>().AddSingleton<IGrant, CibaGrant>();
        services.AddSingleton<ExchangeApprovals>();
        if (options.Approvals.Webhook.Url is not null)
        {
            services.AddSingleton<IApprovalChannel, WebhookChannel>();
        }

        if (options.Approvals.Mail.Host is not null)
        {
            services.AddSingleton<IApprovalChannel, MailChannel>();
        }
    }

    private static void RegisterActions(IServiceCollection services)
    {
        services.AddSingleton<ActionCall>().AddSingleton<ActionRun>().AddSingleton<ActionEndpoints>().AddSingleton<BindingEndpoints>();
        services.AddSingleton<PostLoginActions>().AddSingleton<ExchangeActions>().AddSingleton<DelegationActions>();
        services.AddSingleton<ActionDecision>().AddSingleton<ProfileDecision>(s => s.GetRequiredService<ActionDecision>().DecideAsync);
    }

    private static void Map(WebApplication app, TokenVaultOptions options)
    {
        UseClientCertificates(app, options);
        UseTrustedProxies(app, options);
        TelemetryExport.UseFor(app);
        app.UseMiddleware<UnexpectedFailure>();
        app.UseSecurityHeaders();
        var origins = app.Services.GetRequiredService<BrowserOrigins>();
        app.Use(next => context => origins.HandleAsync(context, next));
        app.UseRouting();

        var services = app.Services;
        services.GetRequiredService<DiscoveryEndpoint>().Map(app);
        services.GetRequiredService<AuthorizeEndpoint>().Map(app);
        services.GetRequiredService<ResumeEndpoint>().Map(app);
        services.GetRequiredService<PushEndpoint>().Map(app);
        services.GetRequiredService<DeviceEndpoint>().Map(app);
        services.GetRequiredService<ActivateEndpoint>().Map(app);
        services.GetRequiredService<LoginEndpoint>().Map(app);
        services.GetRequiredService<ChallengeEndpoint>().Map(app);
        services.GetRequiredService<EnrolmentEndpoint>().Map(app);
        services.GetRequiredService<ConsentEndpoint>().Map(app);
        services.GetRequiredService<TokenEndpoint>().Map(app);
        services.GetRequiredService<BackchannelEndpoint>().Map(app);
        services.GetRequiredService<ApprovalEndpoint>().Map(app);
        services.GetRequiredService<AuthenticatorsEndpoint>().Map(app);
        services.GetRequiredService<RevocationEndpoint>().Map(app);
        services.GetRequiredService<UserinfoEndpoint>().Map(app);
        services.GetRequiredService<LogoutEndpoint>().Map(app);
        services.GetRequiredService<ConnectBrowserLeg>().Map(app);
        services.GetRequiredService<SignInEndpoint>().Map(app);
        services.GetRequiredService<MyAccountEndpoints>().Map(app);
        services.GetRequiredService<McpEndpoint>().Map(app);
        services.GetRequiredService<ClientEndpoints>().Map(app);
        services.GetRequiredService<ClientCredentialEndpoints>().Map(app);
        services.GetRequiredService<ClientGrantEndpoints>().Map(app);
        services.GetRequiredService<ResourceServerEndpoints>().Map(app);
        services.GetRequiredService<ConnectionEndpoints>().Map(app);
        services.GetRequiredService<ConnectionClientEndpoints>().Map(app);
        services.GetRequiredService<ConnectionKeyEndpoints>().Map(app);
        services.GetRequiredService<ConnectionCheckEndpoint>().Map(app);
        services.GetRequiredService<UserEndpoints>().Map(app);
        services.GetRequiredService<UserAccountEndpoints>().Map(app);
        services.GetRequiredService<IdentityEndpoints>().Map(app);
        services.GetRequiredService<FactorEndpoints>().Map(app);
        services.GetRequiredService<SessionEndpoints>().Map(app);
        services.GetRequiredService<SessionRevocation>().Map(app);
        services.GetRequiredService<RefreshTokenEndpoints>().Map(app);
        services.GetRequiredService<TenantEndpoints>().Map(app);
        services.GetRequiredService<TokenExchangeProfileEndpoints>().Map(app);
        services.GetRequiredService<SigningKeyEndpoints>().Map(app);
        services.GetRequiredService<EncryptionKeyEndpoints>().Map(app);
        services.GetRequiredService<ReferenceEndpoints>().Map(app);
        services.GetRequiredService<LogEndpoints>().Map(app);
        services.GetRequiredService<LogStreamEndpoints>().Map(app);
        services.GetRequiredService<ActionEndpoints>().Map(app);
        services.GetRequiredService<BindingEndpoints>().Map(app);
        services.GetRequiredService<Health>().Map(app);
        app.MapManagementFallback();
    }
}
