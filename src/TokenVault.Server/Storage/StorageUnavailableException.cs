namespace TokenVault.Server.Storage;

/// <summary>The engine cannot be reached, or did not answer in time. Nothing was changed; the same call may succeed later.</summary>
internal sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
