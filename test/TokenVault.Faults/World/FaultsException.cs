namespace TokenVault.Faults.World;

/// <summary>Something did not come to pass in its time, or went so wrong that a scenario cannot go on.</summary>
internal sealed class FaultsException(string message) : Exception(message);
