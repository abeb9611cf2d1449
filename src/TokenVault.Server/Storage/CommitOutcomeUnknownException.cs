namespace TokenVault.Server.Storage;

/// <summary>
/// Contact was lost while the engine committed: the batch is there whole or not at all, but which of the two is not known. Whoever has
/// to know commits the same compare-and-swap again; a version conflict then means to read the row and see whose it is.
/// </summary>
internal sealed class CommitOutcomeUnknownException(Exception inner)
    : Exception("Contact with the database was lost during a commit; whether it took effect is not known.", inner);
