using System.Buffers.Text;
using Microsoft.AspNetCore.Identity;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// What ASP.NET Core Identity's passkey ceremonies look up, for the one user who is at the page. It writes nothing: a ceremony's result is
/// stored with what else comes of it (see <see cref="FactorAcceptance"/>).
/// </summary>
internal sealed class PasskeyStore(IStorage storage, User user, UserFactors factors) : IUserPasskeyStore<User>
{
    /// <summary>What the authenticator keeps of the user: 64 bytes at most, and nothing that says who it is (WebAuthn §14.6.1).</summary>
    public static string HandleOf(User user) => Identifier.Hash($"passkey user {user.UserId}");

    public Task<string> GetUserIdAsync(User user, CancellationToken cancellationToken) => Task.FromResult(HandleOf(user));

    public Task<User?> FindByIdAsync(string userId, CancellationToken cancellationToken) => Task.FromResult(userId == HandleOf(user) ? user : null);

    public Task<IList<UserPasskeyInfo>> GetPasskeysAsync(User user, CancellationToken cancellationToken) =>
        Task.FromResult<IList<UserPasskeyInfo>>([.. factors.Passkeys.Select(Info)]);

    public Task<UserPasskeyInfo?> FindPasskeyAsync(User user, byte[] credentialId, CancellationToken cancellationToken)
    {
        var id = Base64Url.EncodeToString(credentialId);
        return Task.FromResult(factors.Passkeys.FirstOrDefault(passkey => passkey.CredentialId == id) is { } found ? Info(found) : null);
    }

    /// <summary>Whoever it is: a passkey that somebody has cannot be registered again (WebAuthn §7.1, step 26).</summary>
    public async Task<User?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken)
    {
        var owner = await storage.FindByKeyAsync<UserFactors>(UserFactors.PasskeyKey, Base64Url.EncodeToString(credentialId), cancellationToken);
        return owner is null ? null : await storage.FindAsync<User>(owner.UserId, cancellationToken);
    }

    public void Dispose()
    {
    }

    public Task AddOrUpdatePasskeyAsync(User user, UserPasskeyInfo passkey, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemovePasskeyAsync(User user, byte[] credentialId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> CreateAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> UpdateAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> DeleteAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<User?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> GetUserNameAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetUserNameAsync(User user, string? userName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> GetNormalizedUserNameAsync(User user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetNormalizedUserNameAsync(User user, string? normalizedName, CancellationToken cancellationToken) => throw new NotSupportedException();

    private static UserPasskeyInfo Info(Passkey passkey) => new(
        Base64Url.DecodeFromChars(passkey.CredentialId), Base64Url.DecodeFromChars(passkey.PublicKey), passkey.CreatedAt, passkey.SignCount,
        [.. passkey.Transports], passkey.UserVerified, passkey.BackupEligible, passkey.BackedUp, attestationObject: [], clientDataJson: []);
}
