using System.Text.Json;
using TokenVault.Client.Wire;

namespace TokenVault.Client;

/// <summary>
/// Asks a Token Vault, or Auth0's, for providers' access tokens of users, and lets users connect their accounts. One for the whole
/// application; safe for concurrent use. Every failure is a <see cref="TokenVaultException"/>; a request that was given up by its
/// cancellation token is an <see cref="OperationCanceledException"/>. Nothing is sent again by itself.
/// </summary>
/// <example>
/// <code>
/// var token = await vault.GetTokenAsync(SubjectToken.RefreshToken(refreshToken), new("google-oauth2", scope), cancellationToken);
/// request.Headers.Authorization = new("Bearer", token.AccessToken);
/// </code>
/// </example>
public sealed partial class TokenVaultClient : IDisposable
{
    private readonly TokenVaultOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient? _own;
    private readonly Discovery _discovery;
    private readonly TokenEndpoint _tokens;
    private readonly MyAccountApi _account;
    private readonly TokenCache<ProviderToken> _cache;

    /// <summary>A client with HTTP connections of its own. In an application with services, use <c>services.AddTokenVault(…)</c> instead.</summary>
    /// <param name="options">Must not change any more.</param>
    /// <param name="time">The clock; null: the system's.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The options are wrong; says everything that is.</exception>
    public TokenVaultClient(TokenVaultOptions options, TimeProvider? time = null)
        : this(options, http: null, time)
    {
    }

    internal TokenVaultClient(TokenVaultOptions options, Func<HttpClient>? http, TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsValidation.ThrowIfWrong(options);
        _options = options;
        _time = time ?? TimeProvider.System;
        _own = http is null ? new HttpClient(Handlers.Create(options)) { Timeout = Timeout.InfiniteTimeSpan } : null;
        var transport = new Transport(http ?? (() => _own!), options, _time);
        var proofs = new DpopProofs(options.DpopKey, _time);
        _discovery = new Discovery(transport, options, _time);
        _tokens = new TokenEndpoint(transport, _discovery, options, proofs, _time);
        _account = new MyAccountApi(transport, _tokens, options, proofs, _time);
        _cache = new TokenCache<ProviderToken>(options, _time, token => token.ExpiresAt, token => !token.IsApproved);
    }

    internal DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>
    /// A provider's access token for the user: the cached one while it is good, otherwise a new one. Cached per subject token, connection,
    /// account and scopes, never across users; callers who ask for the same at the same time share one request. A token that the user had to
    /// approve is one caller's, once.
    /// </summary>
    /// <param name="subject">For whom.</param>
    /// <param name="request">Of which connection, with which scopes.</param>
    /// <param name="cancellationToken">Ends this caller's wait only.</param>
    /// <exception cref="TokenVaultException">There is none; <see cref="TokenVaultException.Failure"/> says what to do.</exception>
    public Task<ProviderToken> GetTokenAsync(SubjectToken subject, TokenRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(request);
        return _cache.GetAsync(CacheKey.Of(subject, request), token => ExchangeAsync(subject, request, token), cancellationToken);
    }

    /// <summary>A provider's access token, asked of the server now; as <see cref="GetTokenAsync"/> without the cache.</summary>
    /// <param name="subject">For whom.</param>
    /// <param name="request">Of which connection, with which scopes.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">There is none; <see cref="TokenVaultException.Failure"/> says what to do.</exception>
    public async Task<ProviderToken> ExchangeAsync(SubjectToken subject, TokenRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(request);
        var context = new FailureContext(request.Connection, request.Scopes, Signed: subject.Kind is SubjectTokenKind.Worker);
        var answer = await _tokens.PostAsync(() => ExchangeForm(subject, request), context, cancellationToken);
        var granted = Words(answer.Scope);
        string[] missing = granted.Length == 0 ? [] : [.. request.Scopes.Except(granted, StringComparer.Ordinal)];
        if (missing.Length > 0)
        {
            // Auth0 does not judge the scopes; and a worker's `scope` would ask it to narrow the token, which few providers can.
            throw new TokenVaultException(TokenVaultFailure.InsufficientScope, $"The account at {request.Connection} lacks {string.Join(' ', missing)}.")
            {
                Connection = request.Connection,
                Scopes = request.Scopes,
                MissingScopes = missing,
                GrantedScopes = granted,
            };
        }

        return new ProviderToken(request.Connection, answer.AccessToken!, After(answer.ExpiresIn), granted)
        {
            Further = Texts(answer.Further),
            IsApproved = answer.ApprovalId is not null,
        };
    }

    /// <summary>Drops the cached token, so that the next <see cref="GetTokenAsync"/> asks the server: for a token that the provider refused.</summary>
    /// <param name="subject">Whose it was.</param>
    /// <param name="request">What it was asked for with.</param>
    /// <param name="refused">The token; one that has replaced it meanwhile stays. Null: whatever is cached.</param>
    public void Forget(SubjectToken subject, TokenRequest request, ProviderToken? refused = null)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(request);
        _cache.Forget(CacheKey.Of(subject, request), token => refused is null || token.AccessToken == refused.AccessToken);
    }

    /// <summary>Ends the client's own HTTP connections.</summary>
    public void Dispose()
    {
        _own?.Dispose();
        _discovery.Dispose();
    }

    private Dictionary<string, string> ExchangeForm(SubjectToken subject, TokenRequest request)
    {
        var isWorker = subject.Kind is SubjectTokenKind.Worker;
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Names.FederatedExchange,
            ["subject_token"] = isWorker ? Jwt.WorkerSubject(WorkerKey(), _options, subject, _time.GetUtcNow()) : subject.Value,
            ["subject_token_type"] = subject.Kind switch
            {
                SubjectTokenKind.RefreshToken => Names.RefreshTokenType,
                SubjectTokenKind.AccessToken => Names.AccessTokenType,
                _ => Names.JwtType,
            },
            ["requested_token_type"] = isWorker ? Names.WorkerAccessToken : Names.FederatedAccessToken,
            ["connection"] = request.Connection,
        };
        if (request.Scopes.Count > 0 && !isWorker)
        {
            form["scope"] = string.Join(' ', request.Scopes);
        }

        if (request.LoginHint is { } hint)
        {
            form["login_hint"] = hint;
        }

        if (subject.Proof is { } proof)
        {
            form["subject_token_proof"] = proof;
        }

        return form;
    }

    private SigningKey WorkerKey() =>
        _options.WorkerKey ?? throw new InvalidOperationException("TokenVaultOptions.WorkerKey is not set: this client cannot sign for users.");

    private DateTimeOffset After(double? seconds) => _time.GetUtcNow() + Seconds.Of(seconds);

    /// <summary>Auth0 passes some providers' commas on.</summary>
    private static string[] Words(string? scope) => scope?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static Dictionary<string, string> Texts(Dictionary<string, JsonElement>? further) =>
        further?.Where(member => member.Value.ValueKind is JsonValueKind.String).ToDictionary(member => member.Key, member => member.Value.GetString()!) ?? [];
}
