using System.Text.Json;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Keys;

/// <summary>What a token says of how its user signed in (OpenID Connect Core §2, RFC 9068 §2.2.1).</summary>
internal static class AuthenticationClaims
{
    public static void WriteTo(Utf8JsonWriter writer, IReadOnlyList<string> methods)
    {
        if (methods.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("amr");
        foreach (var method in methods)
        {
            writer.WriteStringValue(method);
        }

        writer.WriteEndArray();
        if (AuthenticationMethod.IsMultiFactor(methods))
        {
            writer.WriteString("acr", AuthenticationMethod.MultiFactorContext);
        }
    }
}
