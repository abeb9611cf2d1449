using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Setup;

/// <summary>The two key pairs of a privileged worker. The private keys never leave the machine that they were made on.</summary>
internal sealed record WorkerKeys(WorkerKey Authentication, WorkerKey Subject)
{
    public const string AuthenticationFile = "authentication.key";
    public const string SubjectFile = "subject.key";

    /// <summary>Those in the folder; where there are none, ones to show in a plan.</summary>
    public static WorkerKeys Existing(string folder) => new(WorkerKey.Existing(folder, AuthenticationFile), WorkerKey.Existing(folder, SubjectFile));

    /// <summary>Those in the folder, made where there are none. A run that is interrupted afterwards finds them again.</summary>
    public static WorkerKeys Make(string folder)
    {
        foreach (var path in new[] { AuthenticationFile, SubjectFile }.Select(name => Path.Combine(folder, name)).Where(path => !File.Exists(path)))
        {
            using var key = RSA.Create(3072);
            PrivateFile.Write(path, key.ExportPkcs8PrivateKeyPem() + "\n");
        }

        return Existing(folder);
    }
}

/// <summary>A key pair, of which only the public half is here.</summary>
/// <param name="Pem">Null: it will be made.</param>
internal sealed record WorkerKey(string Path, string? Pem, string Kid)
{
    private const string Algorithm = "RS256";

    public static WorkerKey Existing(string folder, string name)
    {
        var path = System.IO.Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            return new WorkerKey(path, Pem: null, Kid: "(new)");
        }

        using var key = Open(path);
        return new WorkerKey(path, key.ExportSubjectPublicKeyInfoPem(), Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
    }

    /// <summary>As the Management API takes it.</summary>
    public JsonObject Credential(string name) => new()
    {
        ["name"] = name,
        ["credential_type"] = "public_key",
        ["alg"] = Algorithm,
        ["kid"] = Kid,
        ["pem"] = Pem ?? $"(a new key pair: {Path})",
    };

    /// <summary>A JWT that lives for a minute (RFC 7515 §3.1).</summary>
    public string Sign(string type, JsonObject claims)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        claims["jti"] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        claims["iat"] = now;
        claims["exp"] = now + 60;
        var header = new JsonObject { ["alg"] = Algorithm, ["typ"] = type, ["kid"] = Kid };
        var input = $"{Encoded(header)}.{Encoded(claims)}";
        using var key = Open(Path);
        return $"{input}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Encoded(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    private static RSA Open(string path)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(PrivateFile.Read(path));
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new ToolException(ExitCode.Failed, $"{path} holds no RSA key that can be read.");
        }
    }
}
