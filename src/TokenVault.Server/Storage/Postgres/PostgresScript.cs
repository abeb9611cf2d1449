using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The statements of one commit, sent together, with what each has to answer for the commit to stand. Statements run although one before
/// them answered wrongly: they then run on rows that will be rolled back, and the first operation in the way is the one that counts.
/// </summary>
internal sealed class PostgresScript : IAsyncDisposable
{
    private readonly NpgsqlBatch _batch;
    private readonly List<Answer> _answers = [];
    private Answer? _refusal;

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
        Ask(CommitOutcome.Committed, static (_, _) => Task.FromResult(true), sql, parameters);

    /// <summary>The answer must have a row.</summary>
    public void NeedRow(CommitOutcome otherwise, string sql, params NpgsqlParameter[] parameters) =>
        Ask(otherwise, static (reader, _) => reader.ReadAsync(), sql, parameters);

    /// <summary>The answer must be this number.</summary>
    public void NeedNumber(long expected, CommitOutcome otherwise, string sql, params NpgsqlParameter[] parameters) =>
        Ask(otherwise, async (reader, _) => await reader.ReadAsync() && reader.GetInt64(0) == expected, sql, parameters);

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
                if (!await answer.IsFine(reader, this) && (_refusal is null || answer.Operation < _refusal.Operation))
                {
                    _refusal = answer;
                }

                await reader.NextResultAsync();
            }

            return _refusal is null ? null : new CommitResult(_refusal.Otherwise, _refusal.Operation);
        }
        catch (PostgresException e) when (_refusal is not null && !PostgresFailures.IsUnavailable(e))
        {
            // A statement stumbled over what the one in the way had left undone.
            return new CommitResult(_refusal.Otherwise, _refusal.Operation);
        }
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();

    private static async Task<bool> ReadFenceAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        if (!await reader.ReadAsync())
        {
            return false;
        }

        script.Fence = reader.GetInt64(0);
        return true;
    }

    private static async Task<bool> ReadRemovedAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        while (await reader.ReadAsync())
        {
            script.Removed.Add(new Change(reader.GetString(0), reader.GetString(1)));
        }

        return true;
    }

    private static async Task<bool> ReadPlacesAsync(NpgsqlDataReader reader, PostgresScript script)
    {
        while (await reader.ReadAsync())
        {
            script.Places.Add((int)reader.GetInt64(0));
        }

        return true;
    }

    private void Ask(CommitOutcome otherwise, Func<NpgsqlDataReader, PostgresScript, Task<bool>> isFine, string sql, NpgsqlParameter[] parameters)
    {
        Run(sql, parameters);
        _answers.Add(new Answer(Operation, otherwise, isFine));
    }

    private sealed record Answer(int Operation, CommitOutcome Otherwise, Func<NpgsqlDataReader, PostgresScript, Task<bool>> IsFine);
}
