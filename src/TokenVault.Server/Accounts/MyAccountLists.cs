using System.Globalization;
using System.Text.Json;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>The lists of the My Account API: pages of 1 to 20, with a cursor that one of the SDKs calls <c>next</c> and the others <c>from</c>.</summary>
internal sealed class MyAccountLists(IStorage storage, RecordCache cache, ProviderClient provider, Cursors cursors, ILogger<MyAccountLists> logger)
{
    private const int DefaultTake = 10;
    private const int LargestTake = 20;

    public async Task<MyAccountProblem?> AccountsAsync(HttpContext context, AccessToken caller)
    {
        var wanted = context.Request.Query["connection"].OfType<string>().ToHashSet(StringComparer.Ordinal);
        var scope = $"accounts {caller.UserId} {string.Join(' ', wanted.Order(StringComparer.Ordinal))}";
        if (ReadPage(context, scope, out var after, out var take) is { } problem)
        {
            return problem;
        }

        var matching = (await OfAsync(caller, context.RequestAborted)).Where(account => wanted.Count == 0 || wanted.Contains(account.Connection));
        await WritePageAsync(context, "accounts", scope, matching, account => account.Id, after, take, Write);
        return null;
    }

    public async Task<MyAccountProblem?> ConnectionsAsync(HttpContext context, AccessToken caller)
    {
        var scope = $"connections {caller.ClientId}";
        if (ReadPage(context, scope, out var after, out var take) is { } problem)
        {
            return problem;
        }

        var enabled = await EnabledAsync(caller, context.RequestAborted);
        await WritePageAsync(context, "connections", scope, enabled, connection => connection.Id, after, take, WriteConnection);
        return null;
    }

    /// <summary>The caller's connected accounts, all of them.</summary>
    public async ValueTask<IEnumerable<ConnectedAccount>> OfAsync(AccessToken caller, CancellationToken cancellationToken) =>
        await storage.ListReadableAsync<ConnectedAccount>(EntityKey.Index("user", caller.UserId!), logger, cancellationToken);

    /// <summary>Where users of the caller's client can connect accounts.</summary>
    public async ValueTask<IEnumerable<Connection>> EnabledAsync(AccessToken caller, CancellationToken cancellationToken)
    {
        var all = await storage.ListAllAsync<Connection>(index: null, cancellationToken);
        var policy = (await cache.FindAsync<Client>(caller.ClientId, cancellationToken))?.AgentPolicy;
        return all.Where(connection =>
            connection.ConnectedAccountsActive && connection.IsEnabledFor(caller.ClientId) && policy?.Names(connection.Name) != false);
    }

    public IReadOnlyList<string> ScopesOf(Connection connection) => provider.DefaultScopes(connection);

    public static void Write(Utf8JsonWriter writer, ConnectedAccount account)
    {
        writer.WriteString("id", account.Id);
        writer.WriteString("connection", account.Connection);
        writer.WriteString("access_type", "offline");
        WriteArray(writer, "scopes", account.Scopes);
        writer.WriteString("created_at", account.CreatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
    }

    private void WriteConnection(Utf8JsonWriter writer, Connection connection)
    {
        writer.WriteString("name", connection.Name);
        writer.WriteString("strategy", connection.Strategy);
        WriteArray(writer, "scopes", ScopesOf(connection));
    }

    private MyAccountProblem? ReadPage(HttpContext context, string scope, out string? after, out int take)
    {
        after = null;
        take = DefaultTake;
        var query = context.Request.Query;
        if (query.TryGetValue("take", out var text)
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out take) || take is < 1 or > LargestTake))
        {
            return MyAccountProblem.Invalid($"take must be a number from 1 to {LargestTake}.", "take");
        }

        var cursor = query["from"].FirstOrDefault() ?? query["next"].FirstOrDefault();
        if (string.IsNullOrEmpty(cursor))
        {
            return null;
        }

        after = cursors.Read(cursor, scope);
        return after is null ? MyAccountProblem.Invalid("from is not a cursor of this list.", "from") : null;
    }

    private Task WritePageAsync<T>(
        HttpContext context, string collection, string scope, IEnumerable<T> all, Func<T, string> id, string? after, int take, Action<Utf8JsonWriter, T> write)
    {
        var rest = all
            .OrderBy(id, StringComparer.Ordinal)
            .Where(item => after is null || string.CompareOrdinal(id(item), after) > 0)
            .Take(take + 1)
            .ToList();
        return OAuthResponse.WriteAsync(context, 200, writer =>
        {
            writer.WriteStartArray(collection);
            foreach (var item in rest.Take(take))
            {
                writer.WriteStartObject();
                write(writer, item);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (rest.Count > take)
            {
                writer.WriteString("next", cursors.After(id(rest[take - 1]), scope));
            }
        });
    }

    private static void WriteArray(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
