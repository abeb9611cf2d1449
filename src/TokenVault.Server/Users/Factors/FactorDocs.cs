using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Users.Factors;

/// <summary>What the API reference says of second factors.</summary>
internal static class FactorDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    public static Operation List { get; } = new("List the second factors of a user")
    {
        Description = "Authenticator apps (totp), passkeys (passkey) and recovery codes (recovery-code).",
        Answer = new FactorView("totp|dev_6ZqSK7Kj1R8LDZJv", "totp", At, At.AddDays(1)).Managed(),
        List = "authenticators",
        CheckpointOnly = true,
        Fields = true,
    };

    public static Operation RemoveAll { get; } = new("Remove the second factors of a user")
    {
        Description = "Where a second factor is demanded, the user sets up another one at the next sign-in.",
        Status = 204,
        Refusals = [409],
    };

    public static Operation Remove { get; } = new("Remove a second factor of a user")
    {
        Description = "With the last one go the recovery codes.",
        Status = 204,
        Refusals = [409],
    };
}
