namespace TokenVault.Server.Users;

/// <summary>The rules for the passwords of local users.</summary>
internal static class Passwords
{
    public const int Shortest = 8;

    /// <summary>So that nobody makes the server hash megabytes.</summary>
    public const int Longest = 256;

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

    private static bool Same(string password, string? name) => string.Equals(password, name, StringComparison.OrdinalIgnoreCase);
}
