namespace TokenVault.Server.Keys.Jose;

/// <summary>The one way in for a JWT.</summary>
internal static class JwtVerifier
{
    /// <summary>Checks form, canonical base64url, size caps, header, signature, then claims.</summary>
    /// <param name="token">From a stranger.</param>
    /// <param name="expected">What it must say for this purpose.</param>
    /// <param name="keyByKid">The key record for the header's <c>kid</c>, which may be absent.</param>
    /// <param name="now">The time to judge by.</param>
    /// <param name="problem">Why not; for the log only.</param>
    public static VerifiedJwt? Verify(
        string token, JwtExpectations expected, Func<string?, VerificationKey?> keyByKid, DateTimeOffset now, out string problem)
    {
        var jws = VerifiedJws.Verify(token, keyByKid, out problem);
        return jws is null ? null : VerifiedJwt.Check(jws, expected, now, out problem);
    }
}
