using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>What the nodes tell each other about changed rows, and this node its observers.</summary>
internal sealed class PostgresNotices(ChangeFeed changes)
{
    public const string Channel = "tokenvault";

    public const string Sql = "SELECT pg_notify($1, payload) FROM unnest($2) AS payload";

    // PostgreSQL takes less than 8000 bytes.
    private const int Longest = 7_900;

    /// <summary>Of one commit. A full group of audit rows that uses up a name each fits in; beyond it, forgetting all is cheaper.</summary>
    private const int Most = 8;

    private static readonly Change Anything = new(null, "");

    // Own changes come back from the database too; the observers know them by then.
    private readonly string _node = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private volatile bool _hearsOwn;

    public NpgsqlParameter[] Parameters(IEnumerable<Change> changed) => [Text(Channel), Texts(Write(changed))];

    public void PublishOwn(List<Change> changed) => changed.ForEach(changes.Publish);

    /// <summary>
    /// A commit whose outcome this node does not know may have taken effect, or may do so later: then the database is the one to tell, so
    /// from now on own changes are heard of from there as well.
    /// </summary>
    public void HearOwn()
    {
        _hearsOwn = true;
        PublishAnything();
    }

    public void PublishAnything() => changes.Publish(Anything);

    /// <summary>A message that nobody of ours wrote costs no more than the caches.</summary>
    public void Receive(string payload)
    {
        if (!_hearsOwn && payload.StartsWith(_node, StringComparison.Ordinal))
        {
            return;
        }

        foreach (var change in Read(payload))
        {
            changes.Publish(change);
        }
    }

    /// <summary>
    /// Each is the node, then <c>length:text</c> of every kind and id, for ids may contain anything. What does not fit into so many, or into
    /// one by itself, becomes "anything".
    /// </summary>
    private List<string> Write(IEnumerable<Change> changed)
    {
        var payloads = new List<string>();
        var (payload, bytes) = (new StringBuilder(_node), _node.Length);
        foreach (var change in changed)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{change.Kind!.Length}:{change.Kind}{change.Id.Length}:{change.Id}");
            var size = Encoding.UTF8.GetByteCount(text);
            if (payload.Length > _node.Length && bytes + size > Longest)
            {
                payloads.Add(payload.ToString());
                (payload, bytes) = (new StringBuilder(_node), _node.Length);
            }

            if (bytes + size > Longest || payloads.Count == Most)
            {
                return [_node];
            }

            payload.Append(text);
            bytes += size;
        }

        return [.. payloads, payload.ToString()];
    }

    private List<Change> Read(string payload)
    {
        if (payload.Length <= _node.Length)
        {
            return [Anything];
        }

        var read = new List<Change>();
        var rest = payload.AsSpan(_node.Length);
        while (rest.Length > 0)
        {
            if (!TryTake(ref rest, out var kind) || !TryTake(ref rest, out var id))
            {
                return [Anything];
            }

            read.Add(new Change(kind, id));
        }

        return read;
    }

    private static bool TryTake(ref ReadOnlySpan<char> rest, out string text)
    {
        text = "";
        var colon = rest.IndexOf(':');
        if (colon < 0 || !int.TryParse(rest[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > rest.Length - colon - 1)
        {
            return false;
        }

        text = rest.Slice(colon + 1, length).ToString();
        rest = rest[(colon + 1 + length)..];
        return true;
    }
}
