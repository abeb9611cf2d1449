using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>The operator's connection string with the server's defaults for what it leaves open.</summary>
internal sealed class PostgresSettings
{
    // A client that is paused or cut off in a transaction must not hold locks for ever; nothing of ours is idle in one for a millisecond.
    private const string SessionSettings = "-c idle_in_transaction_session_timeout=10000 -c default_transaction_isolation=read\\ committed";

    // Their statements name rows by kind and id, so that a plan made once is as good as one for each set of values, and costs nothing. It is
    // not where LIMIT or a time decides how many rows there are: a purge would read the whole table.
    private const string GroupSettings = "-c plan_cache_mode=force_generic_plan";

    private const int ConnectSeconds = 5;
    private const int CommandSeconds = 10;
    private const int PreparedStatements = 64;

    private readonly NpgsqlConnectionStringBuilder _builder;

    private PostgresSettings(NpgsqlConnectionStringBuilder builder) => _builder = builder;

    public string ConnectionString => _builder.ConnectionString;

    /// <summary>For the connection that listens, beside the pool.</summary>
    public string ListenerConnectionString => new NpgsqlConnectionStringBuilder(ConnectionString)
    {
        Pooling = false,
        MaxAutoPrepare = 0,
        ApplicationName = $"{_builder.ApplicationName} listener",
    }.ConnectionString;

    /// <summary>For one connection that copies everything, however long that takes.</summary>
    public string CopyConnectionString => new NpgsqlConnectionStringBuilder(ConnectionString)
    {
        Pooling = false,
        MaxAutoPrepare = 0,
        CommandTimeout = 0,
        Options = "-c idle_in_transaction_session_timeout=0",
    }.ConnectionString;

    /// <summary>For <see cref="PostgresAuditGroup"/>, beside the pool.</summary>
    public PostgresSettings ForGroups => new(new NpgsqlConnectionStringBuilder(ConnectionString)
    {
        MinPoolSize = 0,
        MaxPoolSize = PostgresAuditGroup.Groups,
        Options = $"{GroupSettings} {_builder.Options}",
    });

    public int MaxPoolSize => _builder.MaxPoolSize;

    /// <summary>Where the database is, for messages: without the password.</summary>
    public string Address => $"'{_builder.Database ?? _builder.Username}' at {_builder.Host}:{_builder.Port}";

    /// <summary>Null when the text is no connection string of PostgreSQL. The reason is not told, because it can quote the password.</summary>
    public static PostgresSettings? Parse(string text)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(text);
            return string.IsNullOrWhiteSpace(builder.Host) ? null : new PostgresSettings(WithDefaults(builder));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            return null;
        }
    }

    private static NpgsqlConnectionStringBuilder WithDefaults(NpgsqlConnectionStringBuilder builder)
    {
        var given = new NpgsqlConnectionStringBuilder(builder.ConnectionString);
        builder.ApplicationName ??= "tokenvault-server";
        builder.Timeout = given.ShouldSerialize("Timeout") ? given.Timeout : ConnectSeconds;
        builder.CommandTimeout = given.ShouldSerialize("Command Timeout") ? given.CommandTimeout : CommandSeconds;
        builder.MaxAutoPrepare = given.ShouldSerialize("Max Auto Prepare") ? given.MaxAutoPrepare : PreparedStatements;
        builder.AutoPrepareMinUsages = 2;
        builder.Options = $"{SessionSettings} {builder.Options}".TrimEnd();

        // After a failover the new primary is one of the other hosts.
        if (builder.Host!.Contains(',', StringComparison.Ordinal))
        {
            builder.TargetSessionAttributes ??= "primary";
        }

        // No call leaves a session setting, a lock or a cursor behind, so the round of resets before every use would be for nothing.
        builder.NoResetOnClose = true;

        // The details of PostgreSQL's errors quote the values of rows.
        builder.IncludeErrorDetail = false;
        builder.LogParameters = false;
        builder.PersistSecurityInfo = false;
        builder.Enlist = false;
        return builder;
    }
}
