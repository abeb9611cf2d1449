using TokenVault.Cli.Api;
using TokenVault.Cli.Profiles;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary>The token of a profile; renewed when it has ended, where that was agreed on at the login.</summary>
internal static class ProfileRenewal
{
    /// <summary>One that ends on the way is good for nothing.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(20);

    public static async Task<string> TokenAsync(Invocation run, string name, Profile profile, VaultHttp http, CancellationToken cancellationToken)
    {
        if (IsGood(profile))
        {
            return profile.AccessToken;
        }

        if (profile.RefreshToken is null)
        {
            throw Expired(name, profile);
        }

        // Of two that present one refresh token, the second looks like a thief, and ends the login for both (RFC 9700 §4.14.2).
        using var turn = await ProfileTurn.TakeAsync(run.Surroundings.ProfilesFile, cancellationToken);
        var file = run.Profiles;
        if (!file.All.TryGetValue(name, out var now) || now.RefreshToken is null)
        {
            throw Expired(name, profile);
        }

        return IsGood(now) ? now.AccessToken : await RenewAsync(name, now, file, http);
    }

    /// <summary>Once it is sent, the old refresh token may be gone: the answer is kept, whoever interrupts.</summary>
    private static async Task<string> RenewAsync(string name, Profile profile, ProfileFile file, VaultHttp http)
    {
        var answer = await new TokenRequests(http).RenewAsync(profile.ClientId, profile.RefreshToken!, CancellationToken.None);
        if (!answer.Succeeded)
        {
            throw answer["error"] == "invalid_grant" ? Expired(name, profile) : TokenRequests.Refused(answer);
        }

        var token = ManagementToken.Of(answer);
        file.Replace(name, profile with { AccessToken = token.Value, ExpiresAt = token.ExpiresAt, RefreshToken = token.RefreshToken ?? profile.RefreshToken });
        return token.Value;
    }

    private static bool IsGood(Profile profile) => profile.ExpiresAt - Early > TimeProvider.System.GetUtcNow();

    private static ToolException Expired(string name, Profile profile) => new(
        ExitCode.NotAllowed, $"The login of the profile {name} has expired.",
        $"Log in again: tokenvault login --profile {ShellText.Of(name)} --domain {new Uri(profile.Issuer).Authority} --client-id {ShellText.Of(profile.ClientId)} "
        + (profile.OwnAccounts ? "--device --my-account" : "--client-secret-file …"));
}
