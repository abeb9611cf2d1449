using TokenVault.Client;

namespace AgentChat;

/// <summary>Who the agent acts for.</summary>
internal sealed class SignedIn(string id, SubjectToken token) : ISubjectTokenSource
{
    public string Id { get; } = id;

    public SubjectToken Token { get; } = token;

    public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(Token);
}
