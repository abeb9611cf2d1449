using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>A connection's client secret at the provider, sealed to that connection: moved to another one it does not open (T-EN-02).</summary>
internal static class ConnectionSecret
{
    /// <summary>The property that holds it, from the connection on.</summary>
    public const string Path = $"{nameof(Connection.Options)}.{nameof(ConnectionOptions.SealedClientSecret)}";

    private const string Purpose = "connection_client_secret";

    public static byte[] Seal(KeyRing ring, string connectionId, Secret secret) => ring.SealText(secret, Aad.For(Purpose, connectionId));

    /// <summary>Null when the connection has none.</summary>
    /// <exception cref="BrokenSealException">What is stored was not sealed for this connection.</exception>
    public static Secret? Open(KeyRing ring, Connection connection) =>
        BlobOf(connection) is { } blob ? ring.OpenText(blob, AadOf(connection)) : null;

    /// <summary>The connection with its secret and keys under the vault key that seals now; as it is when one does not open.</summary>
    public static Connection Renewed(KeyRing ring, Connection connection)
    {
        try
        {
            var secret = Open(ring, connection) is { } open ? Seal(ring, connection.Id, open) : null;
            return connection with
            {
                Options = connection.Options with { SealedClientSecret = secret },
                Key = connection.Key?.Renewed(ring, connection.Id),
                NextKey = connection.NextKey?.Renewed(ring, connection.Id),
            };
        }
        catch (BrokenSealException)
        {
            return connection;
        }
    }

    public static byte[]? BlobOf(Connection connection) => connection.Options.SealedClientSecret;

    public static byte[] AadOf(Connection connection) => Aad.For(Purpose, connection.Id);
}
