using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace TokenVault.Benchmarks;

/// <summary>
/// What an exchange cannot do without, on the same web server, and nothing else: read the form, check a secret of 256 bits, verify an RS256
/// signature, decrypt 2 KB, answer. The data is fixed, nothing is looked up and nothing is stored.
/// </summary>
internal static class Floor
{
    private static readonly byte[] SecretHash = SHA256.HashData("floor-secret"u8);
    private static readonly RSA Key = RSA.Create(2048);
    private static readonly byte[] CipherKey = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] Nonce = RandomNumberGenerator.GetBytes(12);
    private static readonly byte[] Tag = new byte[16];
    private static readonly byte[] Sealed = Seal();
    private static readonly string Jwt = Sign();

    /// <summary>Serves until it is told to end.</summary>
    public static async Task RunAsync(string url, string requests)
    {
        await File.WriteAllTextAsync(requests, ExchangeForm.Encode(("client_id", "floor"), ("client_secret", "floor-secret"), ("subject_token", Jwt)) + "\n");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(url);
        app.MapPost("/oauth/token", (RequestDelegate)ExchangeAsync);
        await app.RunAsync();
    }

    private static async Task ExchangeAsync(HttpContext context)
    {
        var form = await new FormPipeReader(context.Request.BodyReader).ReadFormAsync(context.RequestAborted);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(form["client_secret"].ToString()));
        var token = form["subject_token"].ToString();
        var end = token.LastIndexOf('.');
        var signature = Base64Url.DecodeFromChars(token.AsSpan(end + 1));
        if (!CryptographicOperations.FixedTimeEquals(hash, SecretHash)
            || !Key.VerifyData(Encoding.ASCII.GetBytes(token, 0, end), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            context.Response.StatusCode = 401;
            return;
        }

        var plaintext = new byte[Sealed.Length];
        using var cipher = new AesGcm(CipherKey, 16);
        cipher.Decrypt(Nonce, Sealed, Tag, plaintext);
        var answer = Encoding.UTF8.GetBytes(
            $$"""{"access_token":"{{Encoding.UTF8.GetString(plaintext)}}","token_type":"Bearer","expires_in":3600,"scope":"calendar.read calendar.write"}""");
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }

    private static byte[] Seal()
    {
        var token = Encoding.UTF8.GetBytes(BenchStore.TokenPrefix + new string('x', 2_048 - BenchStore.TokenPrefix.Length));
        var ciphertext = new byte[token.Length];
        using var cipher = new AesGcm(CipherKey, 16);
        cipher.Encrypt(Nonce, token, ciphertext, Tag);
        return ciphertext;
    }

    private static string Sign()
    {
        var input = Base64Url.EncodeToString("""{"alg":"RS256","typ":"JWT","kid":"floor"}"""u8) + "." + Base64Url.EncodeToString(
            """{"iss":"https://localhost:8443/","sub":"auth0|0123456789abcdef01234567","aud":"https://api.example/","iat":1,"exp":9999999999,"scope":"read:calendar"}"""u8);
        return input + "." + Base64Url.EncodeToString(Key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }
}
