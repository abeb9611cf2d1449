using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Management;

public class ClientCredentialTests
{
    [Fact]
    public async Task A_credential_is_made_read_ended_and_deleted()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        var made = await host.CreateAsync(path, WorkerKey.Create("RS256").Credential().ToJsonString());
        ((string)made["id"]!).ShouldStartWith("cred_");
        made.Select(member => member.Key).Order().ShouldBe(["alg", "created_at", "credential_type", "id", "kid", "name", "updated_at"]);
        made.ToJsonString().ShouldNotContain("BEGIN");

        var one = $"{path}/{made["id"]}";
        JsonNode.DeepEquals((await host.SendAsync("GET", one)).Body, made).ShouldBeTrue();
        (await host.SendAsync("GET", path)).Body!.AsArray().ShouldHaveSingleItem();
        ((string?)(await host.SendAsync("PATCH", one, """{"expires_at":"2031-01-01T00:00:00.000Z"}""")).Body!["expires_at"]).ShouldBe("2031-01-01T00:00:00.000Z");
        (await host.SendAsync("PATCH", one, """{"expires_at":null}""")).Body!.AsObject().ContainsKey("expires_at").ShouldBeFalse();
        (await host.SendAsync("PATCH", one, """{"expires_at":"2029-01-01T00:00:00Z"}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("PATCH", one, """{"pem":"x"}""")).ErrorCode.ShouldBe("invalid_body");

        (await host.SendAsync("DELETE", one)).Status.ShouldBe(204);
        (await host.SendAsync("GET", one)).ErrorCode.ShouldBe("inexistent_credential");
        (await host.SendAsync("DELETE", one)).Status.ShouldBe(204);
        (await host.SendAsync("GET", "/clients/nobody/credentials")).ErrorCode.ShouldBe("inexistent_client");
    }

    [Fact]
    public async Task A_credential_in_use_is_attached_by_id_and_not_deleted_before_it_is_detached()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        var client = path[..^"/credentials".Length];
        var made = await host.CreateAsync(path, WorkerKey.Create().Credential().ToJsonString());
        var attach = $$$"""{"token_vault_privileged_access":{"credentials":[{"id":"{{{made["id"]}}}"}]}}""";

        var patched = await host.SendAsync("PATCH", client, attach);
        patched.Status.ShouldBe(200, patched.Message);
        patched.Body!["token_vault_privileged_access"]!.ToJsonString().ShouldBe($$$"""{"credentials":[{"id":"{{{made["id"]}}}"}]}""");
        (await host.SendAsync("DELETE", $"{path}/{made["id"]}")).ErrorCode.ShouldBe("conflict");
        (await host.SendAsync("PATCH", client, """{"token_vault_privileged_access":null}""")).Body!.AsObject().ContainsKey("token_vault_privileged_access").ShouldBeFalse();
        (await host.SendAsync("DELETE", $"{path}/{made["id"]}")).Status.ShouldBe(204);
        (await host.SendAsync("PATCH", client, attach)).Message.ShouldNotBeNull().ShouldContain("The client has no such credential");
    }

    [Fact]
    public async Task T_PW_12_a_private_key_is_refused_and_neither_repeated_nor_logged()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string[] forms =
        [
            rsa.ExportPkcs8PrivateKeyPem(), rsa.ExportRSAPrivateKeyPem(), ec.ExportECPrivateKeyPem(), ec.ExportPkcs8PrivateKeyPem(),
            rsa.ExportEncryptedPkcs8PrivateKeyPem("password", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)),
            rsa.ExportSubjectPublicKeyInfoPem() + "\n" + rsa.ExportPkcs8PrivateKeyPem(),
            rsa.ExportPkcs8PrivateKeyPem().Replace("PRIVATE", "private", StringComparison.Ordinal),
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ];
        foreach (var pem in forms)
        {
            var reply = await host.SendAsync("POST", path, new JsonObject { ["credential_type"] = "public_key", ["pem"] = pem }.ToJsonString());
            reply.Status.ShouldBe(400);
            reply.Message.ShouldBe("Payload validation error: 'This is a private key, and compromised now that it was sent: make another pair, and register its public key' on property pem");
            var inline = new JsonObject { ["name"] = "x", ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["pem"] = pem }) } };
            (await host.SendAsync("POST", "/clients", inline.ToJsonString())).Message.ShouldNotBeNull().ShouldContain("This is a private key");
        }

        var body = rsa.ExportPkcs8PrivateKeyPem().Split('\n')[5].Trim();
        host.Vault.Log.Text.ShouldNotContain(body);
        (await host.AuditAsync()).ShouldAllBe(row => !row.GetRawText().Contains(body));
    }

    [Fact]
    public async Task T_PW_12_weak_and_odd_keys_are_refused()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        using var small = RSA.Create(1024);
        using var strong = RSA.Create(2048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var numbers = strong.ExportParameters(includePrivateParameters: false);
        string Numbers(byte[] modulus, params byte[] exponent)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteIntegerUnsigned(modulus);
                writer.WriteIntegerUnsigned(exponent);
            }

            return PemEncoding.WriteString("RSA PUBLIC KEY", writer.Encode());
        }

        var even = numbers.Modulus!.ToArray();
        even[^1] &= 0xFE;
        (string? Pem, string? Alg)[] refused =
        [
            (small.ExportSubjectPublicKeyInfoPem(), null), (Numbers(numbers.Modulus!, 1), null), (Numbers(numbers.Modulus!, 3), null), (Numbers(numbers.Modulus!, 1, 0, 0, 1), null), (Numbers(even, 1, 0, 1), null),
            (p384.ExportSubjectPublicKeyInfoPem(), null), (strong.ExportSubjectPublicKeyInfoPem(), "ES256"), (WorkerKey.Create().Pem, "RS256"),
            (strong.ExportSubjectPublicKeyInfoPem(), "HS256"), (strong.ExportSubjectPublicKeyInfoPem(), "none"), (strong.ExportSubjectPublicKeyInfoPem(), "RS1"),
            (strong.ExportSubjectPublicKeyInfoPem() + strong.ExportSubjectPublicKeyInfoPem(), null), ("x" + strong.ExportSubjectPublicKeyInfoPem(), null),
            (PemEncoding.WriteString("PUBLIC KEY", [.. strong.ExportSubjectPublicKeyInfo(), 0]), null), (PemEncoding.WriteString("PUBLIC KEY", [1, 2, 3]), null),
            (PemEncoding.WriteString("CERTIFICATE", [1, 2, 3]), null), (PemEncoding.WriteString("RSA PUBLIC KEY", [0x30, 0]), null),
            (PemEncoding.WriteString("CERTIFICATE REQUEST", [1]), null), ("not a key", null), ("", null), (null, null), (new string('x', 20_000), null),
        ];
        foreach (var (pem, alg) in refused)
        {
            var json = new JsonObject { ["credential_type"] = "public_key", ["pem"] = pem };
            if (alg is not null)
            {
                json["alg"] = alg;
            }

            var reply = await host.SendAsync("POST", path, json.ToJsonString());
            reply.Status.ShouldBe(400, $"{alg} {pem}");
            reply.ErrorCode.ShouldBe("invalid_body");
        }
    }

    [Fact]
    public async Task T_PW_12_a_key_belongs_to_one_client()
    {
        var host = await ManagementHost.SharedAsync();
        var key = WorkerKey.Create();
        var first = await PathAsync(host);
        await host.CreateAsync(first, key.Credential("a").ToJsonString());
        await host.CreateAsync(first, key.Credential("b").ToJsonString());
        (await host.SendAsync("POST", await PathAsync(host), key.Credential().ToJsonString())).Message.ShouldBe(ClientCredentialEndpoints.Duplicate);
        var inline = new JsonObject { ["name"] = "x", ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(key.Credential()) } };
        (await host.SendAsync("POST", "/clients", inline.ToJsonString())).ErrorCode.ShouldBe("conflict");
        (await host.SendAsync("DELETE", first[..^"/credentials".Length])).Status.ShouldBe(204);
        await host.CreateAsync(await PathAsync(host), key.Credential().ToJsonString());
    }

    [Fact]
    public async Task T_CA_12_a_kid_is_one_key_of_a_client_for_good()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        await host.CreateAsync(path, WorkerKey.Create().Credential("mine").ToJsonString());
        (await host.SendAsync("POST", path, WorkerKey.Create().Credential("mine").ToJsonString())).Message.ShouldNotBeNull().ShouldContain("another credential with this kid");
        (await host.SendAsync("POST", path, WorkerKey.Create().Credential("../mine").ToJsonString())).ErrorCode.ShouldBe("invalid_body");
        for (var i = 1; i < ClientCredential.MostOfAClient; i++)
        {
            await host.CreateAsync(path, WorkerKey.Create().Credential().ToJsonString());
        }

        (await host.SendAsync("POST", path, WorkerKey.Create().Credential().ToJsonString())).Message.ShouldNotBeNull().ShouldContain("at most 5 credentials");
    }

    [Fact]
    public async Task Certificates_give_a_key_with_its_end_a_name_or_themselves()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        using var rsa = RSA.Create(2048);
        var now = host.Clock.GetUtcNow();
        using var certificate = new CertificateRequest("CN=worker, O=Example", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        var pem = certificate.ExportCertificatePem();

        var key = await host.CreateAsync(path, new JsonObject { ["credential_type"] = "public_key", ["pem"] = pem, ["parse_expiry_from_cert"] = true }.ToJsonString());
        ((string?)key["expires_at"]).ShouldNotBeNull().ShouldStartWith(now.AddDays(30).ToString("yyyy-MM-dd", null));
        var name = await host.CreateAsync(path, new JsonObject { ["credential_type"] = "cert_subject_dn", ["pem"] = pem }.ToJsonString());
        ((string?)name["subject_dn"]).ShouldBe("CN=worker, O=Example");
        var self = await host.CreateAsync(path, new JsonObject { ["credential_type"] = "x509_cert", ["pem"] = pem }.ToJsonString());
        ((string?)self["thumbprint_sha256"]).ShouldBe(System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(certificate.RawData)));
        var stored = (await host.Storage.FindAsync<Client>(path.Split('/')[2], default))!.Credentials[1];
        stored.Subject.ShouldBe(SubjectName.Canonical("CN=worker, O=Example"));

        foreach (var bad in (string[])["""{"credential_type":"cert_subject_dn"}""", """{"credential_type":"cert_subject_dn","subject_dn":"nonsense"}""", """{"credential_type":"x509_cert"}"""])
        {
            (await host.SendAsync("POST", path, bad)).ErrorCode.ShouldBe("invalid_body", bad);
        }

        (await host.SendAsync("POST", path, new JsonObject { ["credential_type"] = "x509_cert", ["pem"] = WorkerKey.Create().Pem }.ToJsonString())).ErrorCode.ShouldBe("invalid_body");
    }

    /// <summary>Whatever somebody uploads: a name that nobody can be told by is refused, and so is a curve that nobody knows.</summary>
    [Fact]
    public async Task T_CA_09_a_certificate_without_a_name_that_can_be_compared_is_refused()
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        var several = new AsnWriter(AsnEncodingRules.DER);
        using (several.PushSequence())
        using (several.PushSetOf())
        {
            foreach (var (type, value) in ((string, string)[])[("2.5.4.3", "worker"), ("2.5.4.10", "Example")])
            {
                using (several.PushSequence())
                {
                    several.WriteObjectIdentifier(type);
                    several.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                }
            }
        }

        var bits = new AsnWriter(AsnEncodingRules.DER);
        using (bits.PushSequence())
        using (bits.PushSetOf())
        using (bits.PushSequence())
        {
            bits.WriteObjectIdentifier("2.5.4.45");
            bits.WriteBitString([1, 2, 3]);
        }

        foreach (var name in (X500DistinguishedName[])[new(""), new(several.Encode()), new(bits.Encode())])
        {
            using var rsa = RSA.Create(2048);
            using var certificate = new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .CreateSelfSigned(host.Clock.GetUtcNow().AddDays(-1), host.Clock.GetUtcNow().AddDays(30));
            var reply = await host.SendAsync("POST", path, new JsonObject { ["credential_type"] = "cert_subject_dn", ["pem"] = certificate.ExportCertificatePem() }.ToJsonString());
            reply.Status.ShouldBe(400, name.Name);
            reply.ErrorCode.ShouldBe("invalid_body");
        }
    }

    [Theory]
    [InlineData("1.3.132.0.34")] // P-384
    [InlineData("1.3.132.0.10")] // secp256k1
    [InlineData("1.3.36.3.3.2.8.1.1.7")] // brainpoolP256r1
    [InlineData("1.3.132.0.26")] // sect233k1
    [InlineData("1.2.3.4.5")]
    public async Task T_PW_12_a_key_on_another_curve_is_refused(string curve)
    {
        var host = await ManagementHost.SharedAsync();
        var path = await PathAsync(host);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = ec.ExportParameters(includePrivateParameters: false).Q;
        var spki = new AsnWriter(AsnEncodingRules.DER);
        using (spki.PushSequence())
        {
            using (spki.PushSequence())
            {
                spki.WriteObjectIdentifier("1.2.840.10045.2.1");
                spki.WriteObjectIdentifier(curve);
            }

            spki.WriteBitString([4, .. point.X!, .. point.Y!]);
        }

        var reply = await host.SendAsync("POST", path, new JsonObject { ["credential_type"] = "public_key", ["pem"] = PemEncoding.WriteString("PUBLIC KEY", spki.Encode()) }.ToJsonString());
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"), curve);
    }

    [Fact]
    public async Task T_CA_03_a_client_has_one_authentication_method()
    {
        var host = await ManagementHost.SharedAsync();
        JsonObject Method(string name) => new() { [name] = new JsonObject { ["credentials"] = new JsonArray(WorkerKey.Create().Credential()) } };
        var two = Method("private_key_jwt");
        two["tls_client_auth"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["credential_type"] = "cert_subject_dn", ["subject_dn"] = "CN=a" }) };
        (await CreateAsync(two, null)).Message.ShouldNotBeNull().ShouldContain("Expected one authentication method");
        (await CreateAsync(Method("tls_client_auth"), null)).Message.ShouldNotBeNull().ShouldContain("Expected a credential of the type cert_subject_dn");
        (await CreateAsync(Method("private_key_jwt"), "client_secret_post")).Message.ShouldNotBeNull().ShouldContain("Either a token_endpoint_auth_method or");

        var client = (await CreateAsync(Method("private_key_jwt"), null)).Body!;
        ((string?)client["token_endpoint_auth_method"]).ShouldBe("private_key_jwt");
        var path = "/clients/" + client["client_id"];
        (await host.SendAsync("PATCH", path, """{"token_endpoint_auth_method":"client_secret_post"}""")).Message.ShouldNotBeNull().ShouldContain("to null in the same request");
        var reply = await host.SendAsync("PATCH", path, """{"token_endpoint_auth_method":"client_secret_post","client_authentication_methods":null}""");
        reply.Status.ShouldBe(200, reply.Message);
        reply.Body!.AsObject().ContainsKey("client_authentication_methods").ShouldBeFalse();

        Task<Reply> CreateAsync(JsonObject methods, string? method)
        {
            var body = new JsonObject { ["name"] = "x", ["client_authentication_methods"] = methods.DeepClone() };
            if (method is not null)
            {
                body["token_endpoint_auth_method"] = method;
            }

            return host.SendAsync("POST", "/clients", body.ToJsonString());
        }
    }

    private static async Task<string> PathAsync(ManagementHost host) => $"/clients/{(await host.CreateClientAsync())["client_id"]}/credentials";
}
