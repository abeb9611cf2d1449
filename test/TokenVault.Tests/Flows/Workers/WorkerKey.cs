using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A key pair of a client, which signs whatever a test wants.</summary>
internal sealed class WorkerKey(AsymmetricAlgorithm key, string alg)
{
    public string Alg { get; } = alg;

    public string Pem { get; } = key.ExportSubjectPublicKeyInfoPem();

    public string PrivatePem { get; } = key.ExportPkcs8PrivateKeyPem();

    public AsymmetricAlgorithm Key { get; } = key;

    public static WorkerKey Create(string alg = "ES256") =>
        new(alg[0] == 'E' ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2048), alg);

    /// <summary>As a body registers it.</summary>
    public JsonObject Credential(string? kid = null)
    {
        var json = new JsonObject { ["name"] = "A key", ["credential_type"] = "public_key", ["pem"] = Pem, ["alg"] = Alg };
        if (kid is not null)
        {
            json["kid"] = kid;
        }

        return json;
    }

    public string Sign(JsonObject header, JsonObject payload) => Sign(header.ToJsonString(), payload.ToJsonString());

    public string Sign(string header, string payload)
    {
        var input = $"{Encode(header)}.{Encode(payload)}";
        return $"{input}.{Base64Url.EncodeToString(Signature(Encoding.ASCII.GetBytes(input)))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private byte[] Signature(byte[] input)
    {
        var hash = Alg.EndsWith("384", StringComparison.Ordinal) ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
        return Key is RSA rsa
            ? rsa.SignData(input, hash, Alg[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ((ECDsa)Key).SignData(input, hash);
    }
}
