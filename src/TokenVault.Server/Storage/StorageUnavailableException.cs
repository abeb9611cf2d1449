namespace TokenVault.Server.Storage;

/// <summary>The engine cannot be reached, or did not answer in time. No row was changed; the same call may succeed later.
/// Audit rows that a group of exchanges was to append may be there.</summary>
internal sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
