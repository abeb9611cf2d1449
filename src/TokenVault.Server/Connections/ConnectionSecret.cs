using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>A connection's client secret at the provider, sealed to that connection: moved to another one it does not open (T-EN-02).</summary>
internal static class ConnectionSecret
{
    private const string Purpose = "connection_client_secret";

    public static byte[] Seal(KeyRing ring, string connectionId, Secret secret) => ring.SealText(secret, Aad.For(Purpose, connectionId));

    /// <summary>Null when the connection has none.</summary>
    /// <exception cref="BrokenSealException">What is stored was not sealed for this connection.</exception>
    public static Secret? Open(KeyRing ring, Connection connection) =>
        connection.Options.SealedClientSecret is { } blob ? ring.OpenText(blob, Aad.For(Purpose, connection.Id)) : null;
}
