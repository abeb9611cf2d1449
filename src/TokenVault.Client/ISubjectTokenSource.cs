namespace TokenVault.Client;

/// <summary>
/// Who the current user is, for <see cref="System.Net.Http.HttpClient"/>s and AI functions that act for them. Registered once by the
/// application, as a singleton that looks each time whose request it is; <c>TokenVault.Client.AspNetCore</c> brings one that reads the signed-in user of the request.
/// </summary>
public interface ISubjectTokenSource
{
    /// <summary>The current user's token; null when there is no user.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken);
}
