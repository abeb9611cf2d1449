using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using TokenVault.Client.Wire;

namespace TokenVault.Client;

/// <summary>Token Vault among an application's services.</summary>
public static class TokenVaultServices
{
    internal const string HttpClientName = "TokenVault";

    /// <summary>
    /// Registers one <see cref="TokenVaultClient"/>. The options are validated when the application starts; a <see cref="TimeProvider"/>
    /// among the services is used.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The HTTP client that talks to the server, to be configured further. It must not follow redirects.</returns>
    public static IHttpClientBuilder AddTokenVault(this IServiceCollection services, Action<TokenVaultOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TokenVaultOptions>, OptionsValidation>());
        services.AddOptions<TokenVaultOptions>().Configure(configure).ValidateOnStart();
        services.TryAddSingleton(provider =>
        {
            var factory = provider.GetRequiredService<IHttpClientFactory>();
            var options = provider.GetRequiredService<IOptions<TokenVaultOptions>>().Value;
            return new TokenVaultClient(options, () => factory.CreateClient(HttpClientName), provider.GetService<TimeProvider>());
        });
        return services
            .AddHttpClient(HttpClientName, http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(provider => Handlers.Create(provider.GetRequiredService<IOptions<TokenVaultOptions>>().Value));
    }

    /// <summary>
    /// Gives each request of this client a fresh access token of the current user for the connection. When the provider answers 401 the
    /// token is dropped, and where the server has another one, the request is sent once more with it, if its content can be sent again.
    /// Requests that have an <c>Authorization</c> header keep theirs.
    /// </summary>
    /// <param name="builder">A client for the provider's API. Its requests go over HTTPS, or to this machine.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="scopes">What the token must be good for.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <remarks>A request fails with a <see cref="TokenVaultException"/> when there is no token.</remarks>
    public static IHttpClientBuilder AddTokenVaultConnection(this IHttpClientBuilder builder, string connection, params IEnumerable<string> scopes) =>
        builder.AddTokenVaultConnection(new TokenRequest(connection, scopes));

    /// <summary>As the other, for one of several accounts, or for another than the current user.</summary>
    /// <param name="builder">A client for the provider's API.</param>
    /// <param name="request">Which token.</param>
    /// <param name="user">For whom; null: whom the application's <see cref="ISubjectTokenSource"/> says.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IHttpClientBuilder AddTokenVaultConnection(this IHttpClientBuilder builder, TokenRequest request, ISubjectTokenSource? user = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(request);
        return builder.AddHttpMessageHandler(provider => new ConnectionHandler(
            provider.GetRequiredService<TokenVaultClient>(), user ?? CurrentUser(builder.Services, provider), request));
    }

    /// <summary>Handlers outlive requests: a source with one user's state in it would serve the next ones with that user's token (T-CL-06).</summary>
    private static ISubjectTokenSource CurrentUser(IServiceCollection services, IServiceProvider provider) =>
        services.Any(service => service.ServiceType == typeof(ISubjectTokenSource) && service.Lifetime != ServiceLifetime.Singleton)
            ? throw new InvalidOperationException("ISubjectTokenSource must be a singleton, which looks each time whose request it is: HTTP handlers are shared by users.")
            : provider.GetRequiredService<ISubjectTokenSource>();
}
