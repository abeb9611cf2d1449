using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Http.Search;

namespace TokenVault.Server.Users;

/// <summary>
/// What <c>GET /users</c> looks for: the part of Auth0's search language that consoles use. Anything else is refused: to answer a query that
/// was not understood would be to answer with the wrong users.
/// </summary>
internal sealed record UserSearch
{
    public static SearchSubject Subject { get; } = new(["email", "name", "given_name", "family_name", "nickname", "username", "user_id"]);

    /// <summary>Whether a user, as they are shown, is meant; null for all of them.</summary>
    public Func<JsonObject, bool>? Matches { get; private init; }

    /// <summary>The one lookup that answers the whole query: <c>email</c>, <c>username</c> or <c>user_id</c>, and its value.</summary>
    public (string Field, string Value)? Key { get; private init; }

    /// <summary>The member to order by, and whether downwards.</summary>
    public (string Field, bool Descending)? Order { get; private init; }

    /// <summary>What a cursor is bound to.</summary>
    public string Text { get; private init; } = "";

    /// <summary>Null when nothing is looked for. An order that is none is ignored: it decides what comes first, not what is shown.</summary>
    public static UserSearch? Read(QueryReader query)
    {
        var text = query.Text("q");
        var sort = query.Text("sort");
        var connection = query.Text("connection");
        if (query.Text("search_engine") is not (null or "v3"))
        {
            query.Refuse("The only search engine is v3", "search_engine");
        }

        if (text is null && sort is null && connection is null)
        {
            return null;
        }

        SearchTerm? term = null;
        if (text is not null && !SearchParser.TryParse(text, Subject, out term, out var problem))
        {
            query.Refuse(problem, "q");
        }

        var order = ReadOrder(sort);
        return new UserSearch
        {
            Text = $"{text} {sort} {connection}",
            Key = order is null && connection is null ? UniqueKey(term) : null,
            Order = order,
            Matches = user => (term is null || term.Matches(user))
                && (connection is null || SearchTerm.Values(user, "identities.connection").Any(value => (string?)value == connection)),
        };
    }

    public IEnumerable<User> Sorted(IEnumerable<User> users)
    {
        if (Order is not { } order)
        {
            return users;
        }

        var keyed = users.Select(user => (User: user, Key: SearchTerm.Values(UserView.Of(user), order.Field).FirstOrDefault()?.ToString() ?? ""));
        return (order.Descending
            ? keyed.OrderByDescending(pair => pair.Key, StringComparer.OrdinalIgnoreCase)
            : keyed.OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase)).Select(pair => pair.User);
    }

    private static (string Field, string Value)? UniqueKey(SearchTerm? term) => term is EqualTerm { Field: "email" or "username" or "user_id" } equal
        ? (equal.Field, equal.Value)
        : null;

    private static (string Field, bool Descending)? ReadOrder(string? sort)
    {
        if (sort is null)
        {
            return null;
        }

        var colon = sort.LastIndexOf(':');
        if (colon > 0 && sort[(colon + 1)..] is "1" or "-1")
        {
            return (sort[..colon], sort[(colon + 1)..] == "-1");
        }

        return null;
    }
}
