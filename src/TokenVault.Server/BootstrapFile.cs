using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Keys;

namespace TokenVault.Server;

/// <summary>
/// <c>bootstrap.json</c>: how the operator reaches the Management API for the first time. It is written under another name before the
/// client in it is committed, and takes its own name once that is certain, so that neither can be there without the other for good.
/// </summary>
internal sealed class BootstrapFile(string dataDirectory)
{
    private const string Name = "bootstrap.json";

    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public void WritePending(string issuer, string clientId, string clientSecret, string? caCertificate)
    {
        var content = new JsonObject
        {
            ["domain"] = new Uri(issuer).Authority,
            ["issuer"] = issuer,
            ["client_id"] = clientId,
            ["client_secret"] = clientSecret,
            ["audience"] = SystemApis.ManagementAudience(issuer),
            ["ca_certificate"] = caCertificate,
        };
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            content.WriteTo(writer);
        }

        Directory.CreateDirectory(dataDirectory);
        var pending = Path.Combine(dataDirectory, $"{Name}.{clientId}.pending");
        PrivateFile.Write(pending, buffer.ToArray(), PrivateFile.OwnerReadsAndWrites, replace: true);
    }

    /// <summary>Gives a pending file its name when its client was committed, else removes it: this start's, or one's that died.</summary>
    public async Task FinishAsync(Func<string, Task<bool>> isCommitted)
    {
        if (!Directory.Exists(dataDirectory))
        {
            return;
        }

        foreach (var pending in Directory.GetFiles(dataDirectory, $"{Name}.*.pending"))
        {
            var clientId = Path.GetFileName(pending)[(Name.Length + 1)..^".pending".Length];
            if (await isCommitted(clientId))
            {
                File.Move(pending, Path.Combine(dataDirectory, Name), overwrite: true);
                continue;
            }

            File.Delete(pending);
        }
    }
}
