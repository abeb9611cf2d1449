namespace TokenVault.Tests.Needs;

/// <summary>The tests of the class need a PostgreSQL server; where there can be none, they are skipped and say why.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsPostgresAttribute : Attribute;
