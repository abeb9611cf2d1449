using System.Buffers;
using System.Text.Json;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.OAuth.Grants;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>What this server is and can do (OpenID Connect Discovery, RFC 8414), and its public keys. It tells nothing that is not so.</summary>
internal sealed class DiscoveryEndpoint(TokenVaultOptions options, SigningKeys keys, IEnumerable<IGrant> grants)
{
    private readonly ReadOnlyMemory<byte> _metadata = Metadata(options.Issuer, options.Mtls, [.. grants.Select(grant => grant.Type)]);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/.well-known/openid-configuration", WriteMetadataAsync);
        routes.MapGet("/.well-known/oauth-authorization-server", WriteMetadataAsync);
        routes.MapGet("/.well-known/jwks.json", context => WriteAsync(context, keys.Jwks));
    }

    private Task WriteMetadataAsync(HttpContext context) => WriteAsync(context, _metadata);

    private static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        context.Response.Headers.CacheControl = "public, max-age=15";
        context.Response.Headers.AccessControlAllowOrigin = "*";
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    private static ReadOnlyMemory<byte> Metadata(string issuer, MtlsOptions mtls, string[] grantTypes)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("issuer", issuer);
            writer.WriteString("authorization_endpoint", issuer + "authorize");
            writer.WriteString("token_endpoint", issuer + "oauth/token");
            writer.WriteString("pushed_authorization_request_endpoint", issuer + "oauth/par");
            writer.WriteBoolean("require_pushed_authorization_requests", false);
            writer.WriteString("device_authorization_endpoint", issuer + "oauth/device/code");
            writer.WriteString("userinfo_endpoint", issuer + "userinfo");
            writer.WriteString("jwks_uri", issuer + ".well-known/jwks.json");
            writer.WriteString("revocation_endpoint", issuer + "oauth/revoke");
            writer.WriteString("end_session_endpoint", issuer + "oidc/logout");
            writer.WriteBoolean("backchannel_logout_supported", true);
            writer.WriteBoolean("backchannel_logout_session_supported", true);
            writer.WriteString("backchannel_authentication_endpoint", issuer.TrimEnd('/') + Wire.BackchannelPath);
            Write(writer, "backchannel_token_delivery_modes_supported", "poll");
            writer.WriteBoolean("backchannel_user_code_parameter_supported", false);
            Write(writer, "scopes_supported", Wire.OpenId, "profile", "email", Wire.OfflineAccess);
            Write(writer, "response_types_supported", "code");
            Write(writer, "response_modes_supported", "query", "fragment", "form_post", "web_message");
            Write(writer, "grant_types_supported", grantTypes);
            Write(writer, "code_challenge_methods_supported", "S256");
            Write(writer, "subject_types_supported", "public");
            Write(writer, "id_token_signing_alg_values_supported", "RS256", "ES256");
            WriteAuthentication(writer, mtls);
            Write(writer, "acr_values_supported", AuthenticationMethod.MultiFactorContext);
            Write(writer, "prompt_values_supported", "none", "login", "consent", "select_account");
            Write(
                writer, "claims_supported", "acr", "amr", "aud", "auth_time", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "nickname", "picture", "sid", "sub", "updated_at");
            writer.WriteBoolean("authorization_response_iss_parameter_supported", true);
            writer.WriteBoolean("request_parameter_supported", false);
            writer.WriteBoolean("request_uri_parameter_supported", false);
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteAuthentication(Utf8JsonWriter writer, MtlsOptions mtls)
    {
        // Without an authority that certifies names, no name proves anybody.
        string[] byCertificate = mtls switch { { Alias: null } => [], { CertificateAuthorityFile: null } => [Client.SelfSignedTls], _ => [Client.Tls, Client.SelfSignedTls] };
        string[] methods = ["client_secret_basic", "client_secret_post", Client.PrivateKeyJwt, .. byCertificate, "none"];
        Write(writer, "token_endpoint_auth_methods_supported", methods);
        Write(writer, "token_endpoint_auth_signing_alg_values_supported", [.. ClientCredential.Algorithms]);
        Write(writer, "revocation_endpoint_auth_methods_supported", methods);
        Write(writer, "revocation_endpoint_auth_signing_alg_values_supported", [.. ClientCredential.Algorithms]);
        Write(writer, "dpop_signing_alg_values_supported", [.. DpopProof.Algorithms]);
        writer.WriteBoolean("tls_client_certificate_bound_access_tokens", mtls.Alias is not null);
        WriteAliases(writer, mtls.Alias);
    }

    /// <summary>Where clients with a certificate call (RFC 8705 §5).</summary>
    private static void WriteAliases(Utf8JsonWriter writer, string? alias)
    {
        if (alias is null)
        {
            return;
        }

        writer.WriteStartObject("mtls_endpoint_aliases");
        writer.WriteString("token_endpoint", alias + "oauth/token");
        writer.WriteString("pushed_authorization_request_endpoint", alias + "oauth/par");
        writer.WriteString("device_authorization_endpoint", alias + "oauth/device/code");
        writer.WriteString("revocation_endpoint", alias + "oauth/revoke");
        writer.WriteString("userinfo_endpoint", alias + "userinfo");
        writer.WriteString("backchannel_authentication_endpoint", alias.TrimEnd('/') + Wire.BackchannelPath);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, params ReadOnlySpan<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
