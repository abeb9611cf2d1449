using System.Text.Json;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Protocol;

/// <summary>What goes with <c>mfa_required</c> of a grant.</summary>
/// <param name="Token">Names the user and the client to whoever asks which factors there are.</param>
/// <param name="Enrolled">The kinds of factor that the user has; none: one has to be set up first.</param>
internal sealed record MultiFactorDemand(Secret Token, IReadOnlyList<string> Enrolled)
{
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteString("mfa_token", Token.Reveal());
        writer.WriteStartObject("mfa_requirements");
        writer.WriteStartArray(Enrolled.Count > 0 ? "challenge" : "enroll");
        foreach (var type in Enrolled.Count > 0 ? Enrolled : ["otp"])
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
