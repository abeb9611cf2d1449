using System.Security.Cryptography;
using TokenVault.Server.Keys;

namespace TokenVault.Tests.Keys.Wycheproof;

/// <summary>What the key ring is built of: AES-256-GCM, AES-KWP, HMAC-SHA256 and HKDF-SHA256; and PBKDF2, which hashes users' passwords.</summary>
public sealed class StorageCryptoVectors
{
    [VectorFact]
    public void AES_GCM_opens_what_is_authentic_and_nothing_else()
    {
        var wrong = new List<int>();
        var run = 0;
        foreach (var group in Vectors.Load("aes_gcm_test.json").Where(g => g.Number("ivSize") == 96 && g.Number("tagSize") == 128))
        {
            foreach (var test in group.Tests)
            {
                run++;
                if (OpensGcm(test) != (test.Result == "valid"))
                {
                    wrong.Add(test.Id);
                }
            }
        }

        wrong.ShouldBeEmpty();
        run.ShouldBe(197);
    }

    [VectorFact]
    public void AES_KWP_unwraps_what_is_authentic_and_nothing_else()
    {
        var wrong = new List<int>();
        foreach (var test in Vectors.Load("aes_kwp_test.json").SelectMany(g => g.Tests))
        {
            using var aes = Aes.Create();
            aes.Key = test.Bytes("key");
            var right = test.Result == "valid"
                ? Unwraps(aes, test) && aes.EncryptKeyWrapPadded(test.Bytes("msg")).AsSpan().SequenceEqual(test.Bytes("ct"))
                : !Unwraps(aes, test);
            if (!right)
            {
                wrong.Add(test.Id);
            }
        }

        wrong.ShouldBeEmpty();
    }

    [VectorFact]
    public void Vault_keys_unwrap_a_data_key_that_is_authentic_and_nothing_else()
    {
        var wrong = new List<int>();
        var run = 0;
        foreach (var test in Vectors.Load("aes_kwp_test.json").SelectMany(g => g.Tests).Where(t => t.Bytes("key").Length == Kek.KeySize && t.Bytes("ct").Length == Kek.WrappedSize))
        {
            run++;
            var dek = new byte[Kek.KeySize];
            var opens = new Kek(1, test.Bytes("key")).TryUnwrap(test.Bytes("ct"), dek);

            // Valid ones of other lengths are none of our data keys.
            var isDataKey = test.Result == "valid" && test.Bytes("msg").Length == Kek.KeySize;
            if (opens != isDataKey || !dek.AsSpan().SequenceEqual(isDataKey ? test.Bytes("msg") : new byte[Kek.KeySize]))
            {
                wrong.Add(test.Id);
            }
        }

        wrong.ShouldBeEmpty();
        run.ShouldBeGreaterThan(10);
    }

    [Fact]
    public void Vault_keys_unwrap_what_the_framework_wraps_and_notice_each_altered_bit()
    {
        var kek = new Kek(1, RandomNumberGenerator.GetBytes(Kek.KeySize));
        var dek = RandomNumberGenerator.GetBytes(Kek.KeySize);
        var wrapped = new byte[Kek.WrappedSize];
        kek.Wrap(dek, wrapped);
        var seen = new byte[Kek.KeySize];
        kek.TryUnwrap(wrapped, seen).ShouldBeTrue();
        seen.ShouldBe(dek);
        for (var bit = 0; bit < wrapped.Length * 8; bit++)
        {
            var altered = wrapped.ToArray();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            kek.TryUnwrap(altered, seen).ShouldBeFalse();
            seen.ShouldAllBe(part => part == 0);
        }
    }

    [VectorFact]
    public void HMAC_SHA256_makes_the_known_tags()
    {
        var wrong = new List<int>();
        foreach (var group in Vectors.Load("hmac_sha256_test.json"))
        {
            foreach (var test in group.Tests)
            {
                var tag = HMACSHA256.HashData(test.Bytes("key"), test.Bytes("msg")).AsSpan(0, group.Number("tagSize") / 8);
                if (CryptographicOperations.FixedTimeEquals(tag, test.Bytes("tag")) != (test.Result == "valid"))
                {
                    wrong.Add(test.Id);
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    [VectorFact]
    public void HKDF_SHA256_derives_the_known_keys_and_no_longer_ones_than_it_may()
    {
        var wrong = new List<int>();
        foreach (var test in Vectors.Load("hkdf_sha256_test.json").SelectMany(g => g.Tests))
        {
            if (Derives(test) != (test.Result == "valid"))
            {
                wrong.Add(test.Id);
            }
        }

        wrong.ShouldBeEmpty();
    }

    // ASP.NET Core Identity hashes passwords with the same function, over SHA-512.
    [VectorFact]
    public void PBKDF2_HMAC_SHA256_derives_the_known_keys()
    {
        var wrong = new List<int>();
        foreach (var test in Vectors.Load("pbkdf2_hmacsha256_test.json").SelectMany(g => g.Tests))
        {
            var key = Rfc2898DeriveBytes.Pbkdf2(
                test.Bytes("password"), test.Bytes("salt"), test.Number("iterationCount"), HashAlgorithmName.SHA256, test.Number("dkLen"));
            if (!key.AsSpan().SequenceEqual(test.Bytes("dk")))
            {
                wrong.Add(test.Id);
            }
        }

        wrong.ShouldBeEmpty();
    }

    private static bool OpensGcm(Vector test)
    {
        using var gcm = new AesGcm(test.Bytes("key"), tagSizeInBytes: 16);
        var plaintext = new byte[test.Bytes("ct").Length];
        try
        {
            gcm.Decrypt(test.Bytes("iv"), test.Bytes("ct"), test.Bytes("tag"), plaintext, test.Bytes("aad"));
            return plaintext.AsSpan().SequenceEqual(test.Bytes("msg"));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private static bool Unwraps(Aes aes, Vector test)
    {
        var key = new byte[test.Bytes("ct").Length];
        try
        {
            return aes.TryDecryptKeyWrapPadded(test.Bytes("ct"), key, out var written)
                && key.AsSpan(0, written).SequenceEqual(test.Bytes("msg"));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static bool Derives(Vector test)
    {
        try
        {
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, test.Bytes("ikm"), test.Number("size"), test.Bytes("salt"), test.Bytes("info"))
                .AsSpan().SequenceEqual(test.Bytes("okm"));
        }
        catch (ArgumentOutOfRangeException)
        {
            return false;
        }
    }
}
