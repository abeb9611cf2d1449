using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>The two keys of a connection: one signs, and the next is known to the provider before it does.</summary>
internal static class ConnectionKeys
{
    public const string Method = "private_key_jwt";

    /// <summary>With keys of the wished-for algorithm, where the connection is to use any. Those that are there stay.</summary>
    public static Connection Completed(Connection connection, KeyRing ring, DateTimeOffset now)
    {
        var alg = connection.Options.TokenEndpointAuthSigningAlg ?? connection.Key?.Alg ?? ConnectionKey.DefaultAlg;
        var wanted = connection.Options.TokenEndpointAuthMethod == Method && connection.Key?.Alg != alg;
        return wanted ? Created(connection, ring, alg, now) : connection;
    }

    public static Connection Created(Connection connection, KeyRing ring, string alg, DateTimeOffset now) => connection with
    {
        Key = ConnectionKey.Create(ring, connection.Id, alg, now) with { CurrentSince = now },
        NextKey = ConnectionKey.Create(ring, connection.Id, alg, now),
    };

    public static Connection Rotated(Connection connection, KeyRing ring, DateTimeOffset now) => connection with
    {
        Key = connection.NextKey! with { CurrentSince = now },
        NextKey = ConnectionKey.Create(ring, connection.Id, connection.NextKey!.Alg, now),
    };
}
