using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Storage;

namespace TokenVault.Faults.Checks;

/// <summary>The audit log, read on as it grows: which access tokens it says were handed out, and of which tokenset.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asked for holds nothing to dispose.")]
internal sealed class AuditTrail(IStorage storage)
{
    private const int Page = 5_000;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly ConcurrentDictionary<(string Thumbprint, string Tokenset), bool> _handed = new();
    private long _last;

    /// <summary>Tokensets that the server gave up.</summary>
    public ConcurrentDictionary<string, bool> Died { get; } = new(StringComparer.Ordinal);

    public async Task ReadOnAsync()
    {
        await _gate.WaitAsync();
        try
        {
            while (await storage.ReadAuditAsync(_last, Page, CancellationToken.None) is { Count: > 0 } rows)
            {
                foreach (var row in rows)
                {
                    Note(JsonNode.Parse(row.Body)!);
                }

                _last = rows[^1].Sequence;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    public bool Tells(string accessToken, string tokenset) =>
        _handed.ContainsKey((Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(accessToken))), tokenset));

    private void Note(JsonNode row)
    {
        var details = row["details"];
        switch ((string?)row["type"])
        {
            case "seta":
                _handed[((string)details!["token_thumbprint"]!, (string)details["tokenset_id"]!)] = true;
                break;
            case "tokenset_died":
                Died[(string)details!["tokenset_id"]!] = true;
                break;
        }
    }
}
