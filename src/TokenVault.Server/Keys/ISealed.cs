using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>A noun that holds sealed values, and says which and what they are bound to: so that they can be counted, re-wrapped and verified.</summary>
internal interface ISealed<TSelf> : IRecord<TSelf>
    where TSelf : class, ISealed<TSelf>
{
    static abstract IReadOnlyList<SealedField<TSelf>> SealedFields { get; }

    /// <summary>Whether servers keep such rows in memory: then they have to hear of it when one is re-wrapped.</summary>
    static virtual bool IsKeptInMemory => false;
}

/// <summary>One sealed value of a noun.</summary>
/// <param name="Path">The property, from the record on: <c>Options.SealedClientSecret</c>.</param>
/// <param name="Blob">Null when this row has none.</param>
/// <param name="Aad">What the value is bound to, from the row's own columns.</param>
internal sealed record SealedField<T>(string Path, Func<T, byte[]?> Blob, Func<T, byte[]> Aad)
    where T : class;
