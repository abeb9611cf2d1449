namespace TokenVault.Client.Tests;

/// <summary>Counts what goes to the token endpoint, and holds it while the test wants.</summary>
internal sealed class TokenCalls : DelegatingHandler
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Null: nothing is held.</summary>
    public Testing.FakeGate? Gate { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri!.AbsolutePath == "/oauth/token")
        {
            Interlocked.Increment(ref _count);
            await (Gate?.HoldAsync(cancellationToken) ?? Task.CompletedTask);
        }

        return await base.SendAsync(request, cancellationToken);
    }
}
