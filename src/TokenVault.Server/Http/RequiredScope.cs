namespace TokenVault.Server.Http;

/// <summary>Endpoint metadata: a caller needs any one of these scopes. Compared ordinally (T-MG-03).</summary>
internal sealed class RequiredScope(params string[] anyOf)
{
    public IReadOnlyList<string> AnyOf { get; } = anyOf.Length > 0
        ? anyOf
        : throw new ArgumentException("An endpoint without a scope would be open to every token.", nameof(anyOf));

    public bool IsMetBy(IReadOnlyList<string> granted) => AnyOf.Any(scope => granted.Contains(scope, StringComparer.Ordinal));
}
