using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>Where a device without a browser begins (RFC 8628 §3.1): it gets a code to ask with, and one for its user to enter elsewhere.</summary>
internal sealed class DeviceEndpoint(TokenCaller caller, DeviceRequests devices, ApiAccessPolicy policy, AttemptLimiter limiter, TokenVaultOptions options)
{
    /// <summary>A minute, from one network, by clients that prove nothing: each is a row (T-DO-06).</summary>
    private const int MostByPublicClients = 300;

    private static readonly string[] Parameters = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "audience", "resource"];

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/oauth/device/code", HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        var begun = await BeginAsync(context);
        if (begun.Failed(out var error))
        {
            await OAuthResponse.WriteErrorAsync(context, error);
            return;
        }

        var (deviceCode, userCode, interval) = begun.Value;
        var page = options.Issuer + ActivateEndpoint.Path[1..];
        await OAuthResponse.WriteAsync(context, 200, writer =>
        {
            writer.WriteString("device_code", deviceCode.Reveal());
            writer.WriteString("user_code", userCode);
            writer.WriteString("verification_uri", page);
            writer.WriteString("verification_uri_complete", Urls.WithQuery(page, [new("user_code", userCode)]));
            writer.WriteNumber("expires_in", (long)DeviceRequests.Lifetime.TotalSeconds);
            writer.WriteNumber("interval", interval);
        });
    }

    private async ValueTask<Outcome<(Keys.Secret DeviceCode, string UserCode, int Interval)>> BeginAsync(HttpContext context)
    {
        var read = await RequestParameters.ReadBodyAsync(context.Request);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        if (read.Value.RequireText(Parameters) is { } wrongType)
        {
            return wrongType;
        }

        var asked = await caller.ReadAsync(context, read.Value, Wire.DeviceCode);
        if (asked.Failed(out var notServed))
        {
            return notServed;
        }

        var client = asked.Value.Client;
        var scopes = Scope.Parse(read.Value["scope"]);
        if (scopes.Count > 100 || scopes.Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("scope is not a list of scope tokens.");
        }

        var audience = read.Value["audience"] ?? read.Value["resource"];
        if ((await policy.ForUserAsync(client, audience, scopes, context.RequestAborted)).Failed(out var refused))
        {
            return refused;
        }

        if (client.IsPublic && limiter.Begin($"devices {CallerNetwork.Of(context)}", MostByPublicClients) is { } wait)
        {
            return OAuthError.TooManyRequests(wait);
        }

        caller.Served(context, client);
        return await devices.BeginAsync(client, audience, scopes);
    }
}
