using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The statements of one commit, sent together, with what each has to answer for the commit to stand. Statements run although one before
/// them answered wrongly: they then run on rows that will be rolled back, and the first operation in the way is the one that counts.
/// </summary>
internal sealed class PostgresScript : IAsyncDisposable
{
    private const int Refused = 0;

    private static int? Fine => null;

    private readonly NpgsqlBatch _batch;
    private readonly List<Answer> _answers = [];
    private CommitResult? _refusal;

    public PostgresScript(NpgsqlConnection connection) => _batch = new NpgsqlBatch(connection);

    /// <summary>The number of the operation that the next statements belong to.</summary>
    public int Operation { get; set; }

    /// <summary>The rows that the answers named as removed.</summary>
    public List<Change> Removed { get; } = [];

    /// <summary>The numbers that the answers named.</summary>
    public List<int> Places { get; } = [];

    public long Fence { get; private set; }

    /// <summary>A statement without an answer.</summary>
    public void Run(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        _batch.BatchCommands.Add(command);
    }

    /// <summary>A query whose answer does not matter.</summary>
    public void RunQuery(string sql, params NpgsqlParameter[] parameters) =>
        Ask(CommitOutcome.Committed, static (_, _) => Task.FromResult(Fine), sql, parameters);

    /// <summary>The answer must have a row.</summary>
    public void NeedRow(CommitOutcome otherwise, string sql, params NpgsqlParameter[] parameters) =>
        Ask(otherwise, static async (reader, _) => await reader.ReadAsync() ? Fine : Refused, sql, parameters);

    /// <summary>The answer must be null; a number says which operation is in the way, counted from this one.</summary>
    public void NeedNone(CommitOutcome otherwise, string sql, params NpgsqlParameter[] parameters) =>
        Ask(otherwise, static async (reader, _) => await reader.ReadAsync() && !reader.IsDBNull(0) ? (int)reader.GetInt64(0) : Fine, sql, parameters);

    /// <summary>The answer must be this number.</summary>
    public void NeedNumber(long expected, CommitOutcome otherwise, string sql, params NpgsqlParameter[] parameters) =>
        Ask(otherwise, async (reader, _) => await reader.ReadAsync() && reader.GetInt64(0) == expected ? Fine : Refused, sql, parameters);

    /// <summary>The answer must be a fence.</summary>
    public void NeedFence(string sql, params NpgsqlParameter[] parameters) => Ask(CommitOutcome.LeaseConflict, ReadFenceAsync, sql, parameters);

    /// <summary>The answer names removed rows.</summary>
    public void Remove(string sql, params NpgsqlParameter[] parameters) => Ask(CommitOutcome.Committed, ReadRemovedAsync, sql, parameters);

    /// <summary>The answer is a list of numbers.</summary>
    public void List(string sql, params NpgsqlParameter[] parameters) => Ask(CommitOutcome.Committed, ReadPlacesAsync, sql, parameters);

    /// <summary>Sends everything; null when the commit may stand.</summary>
    public async Task<CommitResult?> ExecuteAsync()
    {
        try
        {
            await using var reader = await _batch.ExecuteReaderAsync();
            foreach (var answer in _answers)
            {
                if (await answer.Read(reader, this) is { } offset && (_refusal is null || answer.Operation + offset < _refusal.FailedOperation))
                {
                    _refusal = new CommitResult(answer.Otherwise, answer.Operation + offset);
                }

                await reader.NextResultAsync();
            }

            return _refusal;
        }
        catch (PostgresException e) when (_refusal is not null && !PostgresFailures.IsUnavailable(e))
        {
            // A statement stumbled over what the one in the way had left undone.
            return _refusal;
        }
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();

    private static async Task<int?> ReadFenceAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        if (!await reader.ReadAsync())
        {
            return Refused;
        }

        script.Fence = reader.GetInt64(0);
        return Fine;
    }

    private static async Task<int?> ReadRemovedAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        while (await reader.ReadAsync())
        {
            script.Removed.Add(new Change(reader.GetString(0), reader.GetString(1)));
        }

        return Fine;
    }

    private static async Task<int?> ReadPlacesAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        while (await reader.ReadAsync())
        {
            script.Places.Add((int)reader.GetInt64(0));
        }

        return Fine;
    }

    private void Ask(CommitOutcome otherwise, Func<NpgsqlDataReader, PostgresScript, Task<int?>> read, string sql, NpgsqlParameter[] parameters)
    {
        Run(sql, parameters);
        _answers.Add(new Answer(Operation, otherwise, read));
    }

    /// <param name="Read">Null, or which operation is in the way, counted from <paramref name="Operation"/>.</param>
    private sealed record Answer(int Operation, CommitOutcome Otherwise, Func<NpgsqlDataReader, PostgresScript, Task<int?>> Read);
}
