using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace TokenVault.Client.AspNetCore;

/// <summary>Connecting accounts, for an ASP.NET Core application's signed-in users.</summary>
public static class TokenVaultConnect
{
    /// <summary>
    /// What <see cref="MapTokenVaultConnect"/> needs, beside <c>AddTokenVault</c>; and, unless there is one, an <see cref="ISubjectTokenSource"/>
    /// that takes the signed-in user's refresh token out of their session (the sign-in keeps it by <c>SaveTokens</c>), or, in an API, the
    /// access token of the request.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options; null: as they are.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddTokenVaultConnect(this IServiceCollection services, Action<TokenVaultConnectOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddHttpContextAccessor();
        services.AddDataProtection();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ISubjectTokenSource, RequestSubjectTokens>();
        services.TryAddSingleton<ConnectCookies>();
        services.TryAddSingleton<ConnectEndpoints>();
        services.AddOptions<TokenVaultConnectOptions>().Configure(options => configure?.Invoke(options))
            .Validate(options => options.Origin is null || IsOrigin(options.Origin), "Origin must be like https://app.example.")
            .Validate(
                _ => services.All(service => service.ServiceType != typeof(ISubjectTokenSource) || service.Lifetime == ServiceLifetime.Singleton),
                "ISubjectTokenSource must be a singleton, which looks each time whose request it is.")
            .ValidateOnStart();
        return services;
    }

    /// <summary>
    /// <c>GET {prefix}/{connection}?returnTo=/page&amp;scope=…</c> sends the signed-in user's browser to connect an account, and
    /// <c>GET {prefix}/callback</c>, which is to be registered as one of the client's callbacks, completes it. The browser then goes to
    /// <c>returnTo</c>, which is a path of this application, with <c>connected={connection}</c> or
    /// <c>connect_error={the name of a TokenVaultFailure}</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Where, without a closing slash.</param>
    /// <returns>Both endpoints, to be configured further. They require a signed-in user.</returns>
    public static IEndpointConventionBuilder MapTokenVaultConnect(this IEndpointRouteBuilder endpoints, string prefix = "/connect")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        var connect = endpoints.ServiceProvider.GetRequiredService<ConnectEndpoints>();
        var group = endpoints.MapGroup(prefix).RequireAuthorization();
        group.MapGet("/callback", context => connect.CompleteAsync(context));
        group.MapGet("/{connection}", context => connect.BeginAsync(context, prefix + "/callback"));
        return group;
    }

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority) == origin && uri.Scheme is "https" or "http";
}
