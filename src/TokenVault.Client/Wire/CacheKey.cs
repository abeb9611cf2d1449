namespace TokenVault.Client.Wire;

/// <summary>Whose token of what: compared whole, so that nobody is given another's (T-CL-06).</summary>
internal readonly record struct CacheKey(string Subject, string Connection, string? LoginHint, string Scopes)
{
    public static CacheKey Of(SubjectToken subject, TokenRequest request) =>
        new(subject.CacheKey, request.Connection, request.LoginHint, string.Join(' ', request.Scopes.Order(StringComparer.Ordinal)));
}
