using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Server;
using TokenVault.Client.Agents;
using TokenVault.Client.AspNetCore;

namespace TokenVault.Client.Mcp;

/// <summary>MCP servers whose tools act at providers for their users.</summary>
public static class TokenVaultMcp
{
    /// <summary>
    /// What <see cref="WithTokenVault(McpServerTool, string, IEnumerable{string})"/> and <see cref="MapTokenVaultMcp"/> need, beside
    /// <c>AddTokenVault</c> and <see cref="TokenVaultConnect.AddTokenVaultConnect"/>.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options; null: as they are.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddTokenVaultMcp(this IServiceCollection services, Action<TokenVaultMcpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddHttpContextAccessor();
        services.AddDataProtection();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ConnectInvitations>();
        services.TryAddSingleton<InvitationEndpoints>();
        services.AddOptions<TokenVaultMcpOptions>().Configure(options => configure?.Invoke(options))
            .Validate(options => options.Path is ['/', _, ..] && !options.Path.EndsWith('/'), "Path must begin with a slash, and not end with one.")
            .Validate(options => options.Wait >= TimeSpan.Zero && options.Wait <= TimeSpan.FromMinutes(10), "Wait must be from 0 to 10 minutes.")
            .ValidateOnStart();
        return services;
    }

    /// <summary>
    /// The pages to which users are sent, under <see cref="TokenVaultMcpOptions.Path"/>; <see cref="TokenVaultConnect.MapTokenVaultConnect"/>
    /// does the rest. They require that the very user who asked is signed in in the browser.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>The endpoints, to be configured further.</returns>
    public static IEndpointConventionBuilder MapTokenVaultMcp(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var pages = endpoints.ServiceProvider.GetRequiredService<InvitationEndpoints>();
        var group = endpoints.MapGroup(endpoints.ServiceProvider.GetRequiredService<IOptions<TokenVaultMcpOptions>>().Value.Path).RequireAuthorization();
        group.MapGet("/done", context => pages.ReturnAsync(context));
        group.MapGet("/", context => pages.BeginAsync(context));
        return group;
    }

    /// <summary>
    /// Runs the tool with a token of the current user for the connection, which it finds at <see cref="ToolToken.Current"/>. When the user has to
    /// connect, or to grant more, or the provider answers 401, the client is asked to send them to do so (URL-mode elicitation), and the tool is
    /// run again. A client that cannot gets an error which says where the user can go. Neither client nor model sees a token.
    /// </summary>
    /// <param name="tool">The tool.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="scopes">What the token must be good for.</param>
    public static McpServerTool WithTokenVault(this McpServerTool tool, string connection, params IEnumerable<string> scopes) =>
        tool.WithTokenVault(new ToolOptions(), connection, scopes);

    /// <summary>As the other, with options.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="options">The client, the user, the account.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="scopes">What the token must be good for.</param>
    public static McpServerTool WithTokenVault(this McpServerTool tool, ToolOptions options, string connection, params IEnumerable<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(tool);
        ArgumentNullException.ThrowIfNull(options);
        return new TokenVaultTool(tool, options, new TokenRequest(connection, scopes));
    }
}
