namespace TokenVault.Testing;

/// <summary>Holds requests until the test lets them go.</summary>
internal sealed class FakeGate
{
    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done when the first request is held.</summary>
    public Task Entered => _entered.Task;

    public void Release() => _released.TrySetResult();

    public Task HoldAsync(CancellationToken cancellationToken)
    {
        _entered.TrySetResult();
        return _released.Task.WaitAsync(cancellationToken);
    }
}
