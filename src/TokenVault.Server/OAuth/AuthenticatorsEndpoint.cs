using System.Buffers;
using System.Text.Json;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>Which second factors the user of an <c>mfa_token</c> has, for applications that were refused with <c>mfa_required</c>.</summary>
internal sealed class AuthenticatorsEndpoint(MultiFactorTokens tokens)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/mfa/authenticators", ListAsync);

    private async Task ListAsync(HttpContext context)
    {
        if (PresentedTokens.Of(context.Request) is not (PresentedTokens.Bearer, { } token) || await tokens.FactorsOfAsync(token, context.RequestAborted) is not { } factors)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            await OAuthResponse.WriteErrorAsync(context, new OAuthError(401, "invalid_token", "The mfa_token is missing or not valid."));
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var factor in factors)
            {
                writer.WriteStartObject();
                writer.WriteString("id", factor.Id);
                writer.WriteString("authenticator_type", factor.AuthenticatorType);
                writer.WriteString("type", factor.AuthenticatorType);
                writer.WriteBoolean("active", true);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        await OAuthResponse.WriteAsync(context, 200, buffer.WrittenMemory);
    }
}
