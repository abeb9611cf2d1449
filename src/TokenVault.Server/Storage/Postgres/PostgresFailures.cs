using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>What a failure of the database means for the call that met it.</summary>
internal static class PostgresFailures
{
    private const string IdleInTransactionSessionTimeout = "25P03";

    /// <summary>Another transaction was in the way (deadlock, serialization, a lock that was not to be had in time): the same again may well succeed.</summary>
    public static bool IsConflict(NpgsqlException failure) =>
        failure.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable;

    /// <summary>The connection is gone; what it was asked to do outside a commit has not happened.</summary>
    public static bool IsBroken(NpgsqlException failure) => failure switch
    {
        PostgresException => failure.SqlState is { } state
            && (state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal)
                || state is IdleInTransactionSessionTimeout),
        _ => failure.InnerException is not TimeoutException,
    };

    /// <summary>The database cannot do anything now: it is away, too slow, out of resources, or a standby.</summary>
    public static bool IsUnavailable(NpgsqlException failure) =>
        IsConflict(failure) || IsBroken(failure) || failure is not PostgresException || failure.SqlState!.StartsWith("53", StringComparison.Ordinal)
        || failure.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction
            or PostgresErrorCodes.IoError;
}
