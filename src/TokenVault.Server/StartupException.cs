namespace TokenVault.Server;

/// <summary>
/// The server cannot start as it is set up. The message is one line for the operator: what is wrong and what to do about it.
/// </summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
