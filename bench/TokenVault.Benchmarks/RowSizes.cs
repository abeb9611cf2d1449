namespace TokenVault.Benchmarks;

/// <summary>What rows take in PostgreSQL, in bytes.</summary>
/// <param name="Tokenset">On disk, with its user, account, keys and indexes, and whatever else the store has.</param>
/// <param name="TokensetIndexes">Of these the indexes.</param>
/// <param name="AuditRow">On disk, with its indexes.</param>
/// <param name="ReceiptBody">What a refresh leaves for a day.</param>
internal sealed record RowSizes(double Tokenset, double TokensetIndexes, double AuditRow, double ReceiptBody);
