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

    public const string Sql = "SELECT pg_notify($1, $2)";

    // PostgreSQL takes less than 8000 bytes.
    private const int Longest = 7_900;

    private static readonly Change Anything = new(null, "");

    // Own changes come back from the database too; the observers know them by then.
    private readonly string _node = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private volatile bool _hearsOwn;

    public NpgsqlParameter[] Parameters(IEnumerable<Change> changed) => [Text(Channel), Text(Write(changed))];

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

    /// <summary>The node, then <c>length:text</c> of every kind and id, for ids may contain anything. Too much becomes "anything".</summary>
    private string Write(IEnumerable<Change> changed)
    {
        var payload = new StringBuilder(_node);
        foreach (var change in changed)
        {
            payload.Append(CultureInfo.InvariantCulture, $"{change.Kind!.Length}:{change.Kind}{change.Id.Length}:{change.Id}");
            if (payload.Length > Longest)
            {
                return _node;
            }
        }

        var text = payload.ToString();
        return Encoding.UTF8.GetByteCount(text) <= Longest ? text : _node;
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
