using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>Who is at the pages of the second factor: a browser with a session, for an authorization request that waits for more proof.</summary>
internal sealed class FactorVisits(IStorage storage, SessionCookie sessions, PageStates states, TimeProvider time)
{
    /// <summary>The pages' name in <see cref="PageStates"/>.</summary>
    public const string PageName = "factor";

    public const string ChallengePath = "/u/mfa";
    public const string EnrolPath = "/u/mfa/enroll";
    public const string RecoveryPath = "/u/mfa/recovery";

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Where to send a browser that has to prove a second factor before <paramref name="authorizeQuery"/> can go on.</summary>
    public string UrlFor(HttpContext context, string authorizeQuery, PageState? resumed, string userId)
    {
        var state = new PageState(authorizeQuery, resumed?.At ?? Now, BrowserHash: "", Consent: null)
        {
            Linked = resumed?.Linked,
            Factor = new PageFactor(userId) { ShownAt = Now },
        };
        return Url(ChallengePath, states.Seal(context, PageName, state));
    }

    public static string Url(string path, string state) => Urls.WithQuery(path, [new("state", state)]);

    /// <returns>Null when the page is not this browser's, too old, or its user is not signed in any more.</returns>
    public async ValueTask<FactorVisit?> OpenAsync(HttpContext context, string? text)
    {
        if (states.Open(context, PageName, text) is not { Factor: { } factor } state
            || await sessions.FindAsync(context) is not { } signedIn
            || signedIn.User.UserId != factor.Subject)
        {
            return null;
        }

        var factors = await storage.FindAsync<UserFactors>(factor.Subject, context.RequestAborted) ?? new UserFactors { UserId = factor.Subject };
        return new FactorVisit(text!, state, factor, signedIn, factors);
    }

    /// <summary>The visit as a page shows it: with what an answer is to be held against.</summary>
    public FactorVisit Show(HttpContext context, FactorVisit visit, PageFactor factor)
    {
        var shown = factor with { ShownAt = Now };
        var state = visit.State with { Factor = shown };
        return visit with { Text = states.Seal(context, PageName, state), State = state, Factor = shown };
    }

    /// <summary>The form of one of the pages, and the visit it belongs to.</summary>
    public async ValueTask<(FactorVisit? Visit, RequestParameters Form)> ReadAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        var form = body.Failed(out _) ? RequestParameters.Empty : body.Value;
        return (await OpenAsync(context, form["state"]), form);
    }
}

/// <param name="Text">The state as the page carries it.</param>
/// <param name="Factors">Of version 0 when the user has none.</param>
internal sealed record FactorVisit(string Text, PageState State, PageFactor Factor, SignedIn SignedIn, UserFactors Factors)
{
    public User User => SignedIn.User;

    public bool IsMultiFactor => Protocol.AuthenticationMethod.IsMultiFactor(SignedIn.Session.Methods);

    /// <summary>Without a factor anybody who is signed in may set one up; another one only who has proved the first.</summary>
    public bool MayEnrol => !Factors.Any || IsMultiFactor;

    public override string ToString() => "[secret]";
}
