namespace TokenVault.Server.Protocol;

/// <summary>How a user proved who they are, as tokens say it in <c>amr</c> (RFC 8176 §2).</summary>
internal static class AuthenticationMethod
{
    public const string Password = "pwd";
    public const string OneTimeCode = "otp";

    /// <summary>A passkey that cannot leave its device.</summary>
    public const string HardwareKey = "hwk";

    /// <summary>A passkey that can be copied to the user's other devices.</summary>
    public const string SoftwareKey = "swk";

    public const string MultiFactor = "mfa";

    /// <summary>What <c>acr</c> says, and <c>acr_values</c> asks for, when there was more than one factor.</summary>
    public const string MultiFactorContext = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

    public static bool IsMultiFactor(IReadOnlyList<string> methods) => methods.Contains(MultiFactor, StringComparer.Ordinal);
}
