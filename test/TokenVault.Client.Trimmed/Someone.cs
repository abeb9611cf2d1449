namespace TokenVault.Client.Trimmed;

internal sealed class Someone(SubjectToken token) : ISubjectTokenSource
{
    public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(token);
}
