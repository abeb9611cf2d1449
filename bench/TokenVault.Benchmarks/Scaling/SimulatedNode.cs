namespace TokenVault.Benchmarks.Scaling;

/// <summary>One server: its processors, its pool of connections, its places at the provider, its groups of audit rows.</summary>
internal sealed class SimulatedNode(SimulatedClock clock, Places processors, SimulatedDatabase database, Model model)
{
    // As the server has it: ProviderGates, PostgresAuditGroup, and Npgsql's pool.
    private const int GatePlaces = 32;
    private const int Groups = 2;
    private const int MostInGroup = 512;
    private const int Worthwhile = 20;
    private const double Patience = 5e-3;
    private const int PoolSize = 100;

    /// <summary>The user, their refresh token, their tokenset.</summary>
    private const int Reads = 3;

    private readonly Queue<TaskCompletionSource> _rows = new();
    private int _groups;
    private int _prompt;

    public Places Processors { get; } = processors;

    public Places Pool { get; } = new(clock, PoolSize);

    public Places Gate { get; } = new(clock, GatePlaces);

    /// <summary>After each commit that the other servers hear of.</summary>
    public Action Changed { get; set; } = () => { };

    /// <param name="provider">How long it takes to answer a refresh; null when there is none.</param>
    public async Task ExchangeAsync(bool remembered, double? provider, Dice dice)
    {
        await Processors.UseAsync(dice.About(model.Exchange));
        if (!remembered || provider is not null)
        {
            for (var i = 0; i < Reads; i++)
            {
                await CallAsync(() => database.ReadAsync(model.DatabaseFirstUse / Reads));
            }

            await Processors.UseAsync(dice.About(model.FirstUse));
        }

        if (provider is { } answer)
        {
            await RefreshAsync(answer, dice);
        }

        await CommitRowAsync();
    }

    private async Task RefreshAsync(double answer, Dice dice)
    {
        await Gate.EnterAsync();
        await Processors.UseAsync(dice.About(model.Refresh / 2));
        await CallAsync(() => database.CommitAsync(model.DatabaseRefresh / 2, notifies: true));
        Changed();
        await clock.PassAsync(answer);
        await Processors.UseAsync(dice.About(model.Refresh / 2));
        await CallAsync(() => database.CommitAsync(model.DatabaseRefresh / 2, notifies: true));
        Changed();
        Gate.Leave();
    }

    private Task CommitRowAsync()
    {
        var durable = new TaskCompletionSource();
        _rows.Enqueue(durable);
        CommitGroup();
        return durable.Task;
    }

    private void CommitGroup()
    {
        if (_groups < Groups && _rows.Count >= (_prompt > 0 ? Worthwhile : 1))
        {
            _ = CommitGroupAsync();
        }
    }

    private async Task CommitGroupAsync()
    {
        var group = new List<TaskCompletionSource>();
        while (group.Count < MostInGroup && _rows.TryDequeue(out var row))
        {
            group.Add(row);
        }

        _groups++;
        _prompt++;
        var prompt = true;
        await Processors.UseAsync(model.Group);
        _ = WaitAsync();
        await CallAsync(() => database.CommitAsync(model.DatabaseGroup + (group.Count * model.DatabaseRow), notifies: false));
        group.ForEach(durable => durable.SetResult());
        _groups--;
        _prompt -= prompt ? 1 : 0;
        prompt = false;
        CommitGroup();

        async Task WaitAsync()
        {
            await clock.PassAsync(Patience);
            if (prompt)
            {
                prompt = false;
                _prompt--;
                CommitGroup();
            }
        }
    }

    private async Task CallAsync(Func<Task> call)
    {
        await Pool.EnterAsync();
        await call();
        Pool.Leave();
    }
}
