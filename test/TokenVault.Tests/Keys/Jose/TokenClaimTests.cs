namespace TokenVault.Tests.Keys.Jose;

/// <summary>What a rightly signed token must say.</summary>
public sealed class TokenClaimTests
{
    private static readonly string[] Types = ["JWT", "at+jwt", "token-vault-req+jwt", "logout+jwt", "dpop+jwt", "client-authentication+jwt", ""];

    [Fact]
    public void T_ST_05_a_token_of_one_type_serves_no_other_purpose()
    {
        foreach (var made in Types)
        {
            foreach (var wanted in Types)
            {
                Passes(made, wanted).ShouldBe(made == wanted, $"{made} for {wanted}");
                Passes("application/" + made, wanted).ShouldBe(made == wanted, $"application/{made} for {wanted}");
            }
        }
    }

    [Theory]
    [InlineData("AT+JWT")]
    [InlineData("at+jwt ")]
    [InlineData("application/application/at+jwt")]
    [InlineData("Application/at+jwt")]
    [InlineData("text/at+jwt")]
    public void T_ST_05_a_type_is_compared_exactly(string type) => Passes(type, "at+jwt").ShouldBeFalse();

    [Theory]
    [InlineData("\"https://localhost:8443\"")]
    [InlineData("\"https://localhost:8443//\"")]
    [InlineData("\"https://LOCALHOST:8443/\"")]
    [InlineData("\"http://localhost:8443/\"")]
    [InlineData("\"https://localhost/\"")]
    [InlineData("\"https://loc\\u0430lhost:8443/\"")]
    [InlineData("\"https://localhost:8443/\\u200b\"")]
    [InlineData("\" https://localhost:8443/\"")]
    [InlineData("[\"https://localhost:8443/\"]")]
    [InlineData("{\"https://localhost:8443/\":1}")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData(null)]
    public void T_ST_06_another_issuer_is_another_issuer(string? issuer) => Refuses("iss", issuer);

    [Theory]
    [InlineData("\"https://api.example\"")]
    [InlineData("\"https://API.example/\"")]
    [InlineData("\"https://api.example/v2\"")]
    [InlineData("\"https://\\u0430pi.example/\"")]
    [InlineData("[\"https://other.example/\"]")]
    [InlineData("[\"https://api.example/\",1]")]
    [InlineData("[[\"https://api.example/\"]]")]
    [InlineData("{\"a\":\"https://api.example/\"}")]
    [InlineData("[]")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData(null)]
    public void T_ST_06_another_audience_is_another_audience(string? audience) => Refuses("aud", audience);

    [Theory]
    [InlineData("\"https://api.example/\"", true)]
    [InlineData("[\"https://api.example/\"]", false)]
    [InlineData("[\"https://other.example/\",\"https://api.example/\"]", false)]
    public void The_audience_may_be_one_of_several_unless_it_must_stand_alone(string audience, bool alone)
    {
        var token = Tokens.Rs256(Tokens.RsHeader, Tokens.PayloadWith("aud", audience));

        Tokens.Verify(token, out var problem).ShouldNotBeNull(problem);
        (Tokens.Verify(token, Tokens.Expected with { SingleAudience = true }, out _) is not null).ShouldBe(alone);
    }

    [Theory]
    [InlineData("sub")]
    [InlineData("jti")]
    public void A_text_claim_of_another_type_is_refused(string name)
    {
        Refuses(name, "1");
        Refuses(name, "null");
        Refuses(name, "[\"x\"]");
    }

    [Theory]
    [CombinatorialDates]
    public void T_CA_07_a_date_that_is_no_whole_number_of_seconds_is_refused(string claim, string date) => Refuses(claim, date);

    [Theory]
    [InlineData("exp", -59, true)]
    [InlineData("exp", -60, false)]
    [InlineData("exp", 253402300799 - 1900000000, true)]
    [InlineData("nbf", 60, true)]
    [InlineData("nbf", 61, false)]
    [InlineData("nbf", -1900000000, true)]
    [InlineData("iat", 60, true)]
    [InlineData("iat", 61, false)]
    public void T_CA_07_dates_count_with_sixty_seconds_of_skew(string claim, long fromNow, bool taken) =>
        (Tokens.Verify(Tokens.Rs256(Tokens.RsHeader, Tokens.PayloadWith(claim, $"{1_900_000_000 + fromNow}")), out _) is not null).ShouldBe(taken);

    [Fact]
    public void T_CA_07_an_expiry_is_required_unless_the_purpose_does_without()
    {
        var token = Tokens.Rs256(Tokens.RsHeader, Tokens.PayloadWith("exp", null));

        Tokens.Verify(token, out var problem).ShouldBeNull();
        problem.ShouldBe("exp is missing");
        Tokens.Verify(token, Tokens.Expected with { RequireExpiry = false }, out problem).ShouldNotBeNull(problem).ExpiresAt.ShouldBeNull();
    }

    [Theory]
    [InlineData(299, false)]
    [InlineData(300, true)]
    public void T_CA_07_a_lifetime_has_its_limit(int seconds, bool taken) =>
        (Tokens.Verify(
            Tokens.Rs256(Tokens.RsHeader, Tokens.Payload()),
            Tokens.Expected with { MaxLifetime = TimeSpan.FromSeconds(seconds) },
            out _) is not null).ShouldBe(taken);

    [Theory]
    [InlineData(360, true)]
    [InlineData(361, false)]
    public void T_CA_07_without_iat_the_lifetime_counts_from_now(int seconds, bool taken)
    {
        var payload = $$"""{"iss":"{{Tokens.Issuer}}","aud":"{{Tokens.Audience}}","exp":{{1_900_000_000 + seconds}}}""";

        (Tokens.Verify(Tokens.Rs256(Tokens.RsHeader, payload), Tokens.Expected with { MaxLifetime = TimeSpan.FromMinutes(5) }, out _) is not null)
            .ShouldBe(taken);
    }

    [Theory]
    [InlineData("1899999940", true)]
    [InlineData("1899999939", false)]
    [InlineData(null, false)]
    public void An_age_has_its_limit_whatever_the_expiry(string? issuedAt, bool taken) =>
        (Tokens.Verify(
            Tokens.Rs256(Tokens.RsHeader, Tokens.PayloadWith("iat", issuedAt)),
            Tokens.Expected with { MaxAge = TimeSpan.FromSeconds(60), Skew = TimeSpan.Zero },
            out _) is not null).ShouldBe(taken);

    private static bool Passes(string made, string wanted)
    {
        var header = made.Length == 0 ? """{"alg":"RS256","kid":"key-1"}""" : $$"""{"alg":"RS256","typ":"{{made}}","kid":"key-1"}""";
        return Tokens.Verify(Tokens.Rs256(header, Tokens.Payload()), Tokens.Expected with { Types = [wanted] }, out _) is not null;
    }

    private static void Refuses(string claim, string? json)
    {
        Tokens.Verify(Tokens.Rs256(Tokens.RsHeader, Tokens.PayloadWith(claim, json)), out var problem).ShouldBeNull();
        problem.ShouldNotBeEmpty();
    }

    private sealed class CombinatorialDatesAttribute : Xunit.Sdk.DataAttribute
    {
        private static readonly string[] Dates =
        [
            "1900000000.0", "1900000000.5", "1.9e9", "1900000000e0", "19E8", "-1", "-0", "253402300800", "9223372036854775807", "9223372036854775808",
            "99999999999999999999999999", "1e400", "\"1900000000\"", "null", "true", "[1900000000]", "{}",
        ];

        public override IEnumerable<object[]> GetData(System.Reflection.MethodInfo testMethod) =>
            from claim in new[] { "exp", "nbf", "iat" }
            from date in Dates
            select new object[] { claim, date };
    }
}
