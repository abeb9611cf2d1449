using TokenVault.Server.Audit;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>Passkeys as the second factor: registered and verified by ASP.NET Core Identity's handler.</summary>
public sealed class PasskeyTests(FactorScene scene) : IClassFixture<FactorScene>
{
    private static readonly (string, string) StepUp = ("acr_values", AuthenticationMethod.MultiFactorContext);

    [Fact]
    public async Task A_passkey_is_set_up_instead_of_an_app_and_used_at_the_next_sign_in()
    {
        var (person, key) = await WithPasskeyAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);
        page.Html.ShouldContain("Confirm that it is you");
        page.Html.ShouldNotContain("name=\"code\"");
        scene.Clock.Advance(TimeSpan.FromSeconds(1));

        var back = await person.AnswerAsync(page, key.Get(Person.Options(page)));

        Answers.Claims((await person.RedeemAsync(back))["id_token"])["amr"]!.ToJsonString().ShouldBe("""["pwd","hwk","mfa"]""");
        (await scene.AuditAsync(AuditType.FactorAccepted, person.Id)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_answer_is_good_once_for_its_own_challenge_from_this_server_and_by_the_keys_own_user()
    {
        var (person, key) = await WithPasskeyAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);
        var former = key.Get(Person.Options(page));
        key.Origin = "https://evil.example";
        (page = await person.AnswerAsync(page, key.Get(Person.Options(page)))).Status.ShouldBe(401, "another origin");
        key.Origin = Origin;
        (page = await person.AnswerAsync(page, former)).Status.ShouldBe(401, "another challenge");
        (page = await person.AnswerAsync(page, "{}")).Status.ShouldBe(401, "no credential");
        (page = await person.AnswerAsync(page, new SecurityKey(Origin).Get(Person.Options(page)))).Status.ShouldBe(401, "another key");

        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        var answer = key.Get(Person.Options(page));
        (await person.AnswerAsync(page, answer))["code"].ShouldNotBeNull();
        (await person.AnswerAsync(page, answer)).Status.ShouldBe(401, "again");

        // A copy of the key counts on from where it was copied.
        person.TakeNewBrowser();
        page = await person.ComeAsync(StepUp);
        key.Count = 1;
        (await person.AnswerAsync(page, key.Get(Person.Options(page)))).Status.ShouldBe(401, "a lower count");
        (await scene.AuditAsync(AuditType.PasskeyRefused, person.Id)).Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_key_that_somebody_has_cannot_be_registered_by_another()
    {
        var (_, key) = await WithPasskeyAsync();
        var other = await scene.NewPersonAsync();
        var page = await other.ComeAsync(StepUp);

        var refused = await other.AnswerAsync(page, key.Create(Person.Options(page)));

        refused.Status.ShouldBe(400);
        (await scene.AuditAsync(AuditType.PasskeyNotEnrolled, other.Id)).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("no JSON")]
    [InlineData("""{"id":"","rawId":"","type":"public-key","response":{"clientDataJSON":"","authenticatorData":"","signature":""},"clientExtensionResults":{}}""")]
    public async Task Who_has_no_passkey_is_not_let_in_by_whatever_is_sent_as_one(string credential)
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);

        (await person.AnswerAsync(page, credential)).Status.ShouldBe(401);
        (await scene.AuditAsync(AuditType.PasskeyRefused, person.Id)).Count.ShouldBe(1);
    }

    private string Origin => scene.Vault.Issuer.TrimEnd('/');

    private async Task<(Person Person, SecurityKey Key)> WithPasskeyAsync()
    {
        await scene.SetPolicyAsync();
        var person = await scene.NewPersonAsync();
        var key = new SecurityKey(Origin);
        var page = await person.ComeAsync(StepUp);
        var kept = await person.AnswerAsync(page, key.Create(Person.Options(page)));
        kept.Status.ShouldBe(200, kept.Html);
        person.KeepCodes(kept);
        (await person.FollowAsync(kept, "/authorize/resume"))["code"].ShouldNotBeNull();
        return (person, key);
    }
}
