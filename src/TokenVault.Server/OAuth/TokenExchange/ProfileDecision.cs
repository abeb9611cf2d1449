using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>
/// Judges a token that is not of this server, as the action does that its profile names (<see cref="TokenExchangeProfile.ActionId"/>), and says
/// whose it is. Whoever runs actions registers one.
/// </summary>
/// <returns>Null: the action is none of its.</returns>
internal delegate ValueTask<Outcome<DecidedSubject>?> ProfileDecision(TokenExchangeProfile profile, TokenRequest request, CancellationToken cancellationToken);

/// <param name="UserId">A user there is.</param>
internal sealed record DecidedSubject(string UserId)
{
    /// <summary>Who acts for the user; null: nobody.</summary>
    public ActorChain? Actor { get; init; }

    public override string ToString() => UserId;
}
