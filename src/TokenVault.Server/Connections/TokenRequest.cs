using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>Who we are at a provider.</summary>
internal sealed record ProviderRegistration(string ClientId, Secret? Secret, ClientAuthMethod AuthMethod, TokenRequestFormat Format)
{
    /// <summary>With <see cref="ClientAuthMethod.PrivateKeyJwt"/>.</summary>
    public ClientAssertion? Assertion { get; init; }
}

/// <summary>A request to a provider's token or revocation endpoint, with our client's authentication in it.</summary>
internal static class TokenRequest
{
    public static HttpRequestMessage Build(Uri endpoint, ProviderRegistration registration, IReadOnlyDictionary<string, string> parameters) =>
        Build(HttpMethod.Post, endpoint, registration, parameters);

    public static HttpRequestMessage Build(
        HttpMethod method, Uri endpoint, ProviderRegistration registration, IReadOnlyDictionary<string, string> parameters)
    {
        var fields = new Dictionary<string, string>(parameters, StringComparer.Ordinal);
        var request = new HttpRequestMessage(method, endpoint);
        if (registration is { AuthMethod: ClientAuthMethod.Basic, Secret: { } secret })
        {
            request.Headers.Authorization = Basic(registration.ClientId, secret);
        }
        else
        {
            Post(fields, registration);
        }

        request.Content = registration.Format == TokenRequestFormat.Json ? Json(fields) : new FormUrlEncodedContent(fields);
        return request;
    }

    public static void AddHeaders(HttpRequestMessage request, IReadOnlyDictionary<string, string> headers, Func<string, string> fill)
    {
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, fill(value));
        }
    }

    public static ByteArrayContent Json(IReadOnlyDictionary<string, string> fields)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return Json(buffer.ToArray());
    }

    public static ByteArrayContent Json(byte[] utf8) =>
        new(utf8) { Headers = { ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json) } };

    /// <summary>One method and no more (RFC 6749 §2.3): where there is an assertion, a secret that is left over stays here.</summary>
    private static void Post(Dictionary<string, string> fields, ProviderRegistration registration)
    {
        fields["client_id"] = registration.ClientId;
        if (registration.Assertion is { } assertion)
        {
            fields["client_assertion_type"] = Wire.JwtBearerAssertion;
            fields["client_assertion"] = assertion.Next();
            return;
        }

        if (registration.Secret is { } secret)
        {
            fields["client_secret"] = secret.Reveal();
        }
    }

    /// <summary>RFC 6749 §2.3.1: each part is form-encoded before the two are joined.</summary>
    private static AuthenticationHeaderValue Basic(string clientId, Secret secret)
    {
        var pair = $"{WebUtility.UrlEncode(clientId)}:{WebUtility.UrlEncode(secret.Reveal())}";
        return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
    }
}
