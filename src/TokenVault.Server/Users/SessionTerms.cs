namespace TokenVault.Server.Users;

/// <summary>How long sessions live now. Another slice keeps the settings; registered with the composition root.</summary>
internal delegate ValueTask<SessionLifetimes> SessionTerms(CancellationToken cancellationToken);

/// <param name="Idle">Without use.</param>
/// <param name="Absolute">At most.</param>
internal sealed record SessionLifetimes(TimeSpan Idle, TimeSpan Absolute);
