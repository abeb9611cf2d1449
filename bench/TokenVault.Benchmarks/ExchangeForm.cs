using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Benchmarks;

/// <summary>The body of an exchange, as an application sends it.</summary>
internal static class ExchangeForm
{
    public static string Of(Credentials client, string subjectToken, string type) =>
        Encode(("client_id", client.ClientId), ("client_secret", client.ClientSecret), ("subject_token", subjectToken), ("subject_token_type", type));

    public static string Encode(params IEnumerable<(string Name, string Value)> parameters) => string.Join('&', parameters
        .Prepend(("grant_type", Wire.FederatedExchange))
        .Append(("requested_token_type", Wire.FederatedAccessTokenType))
        .Append(("connection", BenchStore.Connection))
        .Select(parameter => $"{parameter.Item1}={Uri.EscapeDataString(parameter.Item2)}"));
}
