using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace TokenVault.Server.Users;

/// <summary>The hashes of local users' passwords, in the format of ASP.NET Core Identity (PBKDF2, salted).</summary>
internal sealed class PasswordHashes : IDisposable
{
    private const int MostWaiting = 64;

    /// <summary>The hasher needs a user by its signature, and looks at none.</summary>
    private static readonly User Nobody = new() { UserId = "", Connection = "" };

    /// <summary>A hash takes as long as a hundred other requests: strangers get half the machine for theirs (T-DO-04).</summary>
    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    private readonly PasswordHasher<User> _hasher;
    private readonly Lazy<string> _nobodys;
    private int _waiting;

    public PasswordHashes(TokenVaultOptions options)
    {
        _hasher = new PasswordHasher<User>(Options.Create(new PasswordHasherOptions { IterationCount = options.Passwords.Iterations }));
        _nobodys = new Lazy<string>(() => Of(Protocol.Identifier.Secret()));
    }

    public string Of(string password) => _hasher.HashPassword(Nobody, password);

    /// <summary>Holds a password against a hash, in its turn; null when too many wait for theirs already.</summary>
    /// <param name="hash">Null when nobody has the name that was given; that takes as long (T-CA-08).</param>
    public async ValueTask<PasswordTry?> TryAsync(string? hash, string password, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting)
            {
                return null;
            }

            await _turns.WaitAsync(cancellationToken);
            try
            {
                return Try(hash, password);
            }
            finally
            {
                _turns.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turns.Dispose();

    private PasswordTry Try(string? hash, string password)
    {
        if (password.Length > Passwords.Longest)
        {
            return new PasswordTry(Matches: false);
        }

        var nobodys = _nobodys.Value;
        var result = _hasher.VerifyHashedPassword(Nobody, hash ?? nobodys, password);
        return hash is null || result == PasswordVerificationResult.Failed ? new PasswordTry(Matches: false)
            : result == PasswordVerificationResult.SuccessRehashNeeded ? new PasswordTry(Matches: true) { StrongerHash = Of(password) }
            : new PasswordTry(Matches: true);
    }
}
