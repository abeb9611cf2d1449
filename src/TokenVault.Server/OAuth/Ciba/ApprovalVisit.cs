using TokenVault.Server.Http;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>
/// What a browser that has to sign in for the approval pages carries through the pages of the sign-in, in the place of an authorization
/// request: that a parameter stands there which no such request has, and no other.
/// </summary>
internal static class ApprovalVisit
{
    public const string ListPath = "/approvals";

    /// <summary>The page's name in <see cref="Users.PageStates"/>.</summary>
    public const string PageName = "approval";

    private const string Parameter = "approval";
    private const string All = "all";
    private const int LongestId = 64;

    public static string Query(string? id) => $"?{Parameter}={id ?? All}";

    /// <returns>False when it is an authorization request.</returns>
    /// <param name="id">Null for the list.</param>
    public static bool TryRead(string query, out string? id)
    {
        id = null;
        var read = RequestParameters.FromQuery(query);
        if (read.Failed(out _) || read.Value.All.ToList() is not [{ Key: Parameter, Value: var value }] || !IsId(value))
        {
            return false;
        }

        id = value == All ? null : value;
        return true;
    }

    public static string Path(string? id) => id is null ? ListPath : $"{ListPath}/{id}";

    public static bool IsId(string? id) => id is { Length: > 0 and <= LongestId } && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
