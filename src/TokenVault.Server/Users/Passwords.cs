using Microsoft.AspNetCore.Identity;

namespace TokenVault.Server.Users;

/// <summary>Passwords of local users: the rules, and their hashes in the format of ASP.NET Core Identity (PBKDF2, salted).</summary>
internal static class Passwords
{
    public const int Shortest = 8;

    /// <summary>So that nobody makes the server hash megabytes.</summary>
    public const int Longest = 256;

    /// <summary>A hash takes as long as a hundred other requests: strangers get half the machine for theirs (T-DO-04).</summary>
    private static readonly SemaphoreSlim Turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    private const int MostWaiting = 64;

    private static readonly PasswordHasher<User> Hasher = new();

    /// <summary>The hasher needs a user by its signature, and looks at none.</summary>
    private static readonly User Nobody = new() { UserId = "", Connection = "" };

    private static int _waiting;

    private static readonly string NobodysHash = Hasher.HashPassword(Nobody, Protocol.Identifier.Secret());

    /// <summary>What is wrong with a new password, or null.</summary>
    public static string? Problem(string password, string? email, string? username)
    {
        if (password.Length is < Shortest or > Longest)
        {
            return $"PasswordStrengthError: A password has {Shortest} to {Longest} characters";
        }

        return Same(password, email) || Same(password, username) || Same(password, email?.Split('@')[0])
            ? "PasswordStrengthError: The password is the user's own name or address"
            : null;
    }

    public static string Hash(string password) => Hasher.HashPassword(Nobody, password);

    /// <summary>See <see cref="Matches(User?, string)"/>; null when too many wait for their turn already.</summary>
    public static async ValueTask<bool?> MatchesAsync(string? hash, string password, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting)
            {
                return null;
            }

            await Turns.WaitAsync(cancellationToken);
            try
            {
                return Matches(hash, password);
            }
            finally
            {
                Turns.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Takes as long for a user who is not there as for one who is.</summary>
    public static bool Matches(User? user, string password) => Matches(user?.PasswordHash, password);

    private static bool Matches(string? hash, string password)
    {
        if (password.Length > Longest)
        {
            return false;
        }

        var result = Hasher.VerifyHashedPassword(Nobody, hash ?? NobodysHash, password);
        return hash is not null && result != PasswordVerificationResult.Failed;
    }

    private static bool Same(string password, string? name) => string.Equals(password, name, StringComparison.OrdinalIgnoreCase);
}
