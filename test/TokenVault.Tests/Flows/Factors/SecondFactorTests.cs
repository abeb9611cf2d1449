using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users.Factors;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>Codes of authenticator apps at sign-in, and recovery codes. These tests move the clock and set the policy.</summary>
public sealed class SecondFactorTests(FactorScene scene) : IClassFixture<FactorScene>
{
    private static readonly (string, string) StepUp = ("acr_values", "urn:other " + AuthenticationMethod.MultiFactorContext);

    [Fact]
    public async Task Under_the_policy_always_a_sign_in_sets_up_an_app_and_the_next_one_asks_for_its_code()
    {
        (await scene.SetPolicyAsync(MultiFactorPolicy.Always)).Status.ShouldBe(200);
        var person = await scene.NewPersonAsync();

        var page = await person.ComeAsync();
        page.Html.ShouldContain("Set up a second step");
        page.Html.ShouldContain("<svg role=\"img\"");
        var wrong = await person.EnterAsync(page, Phone.SetUpFrom(page, scene.Clock).WrongCode());
        wrong.Status.ShouldBe(401);
        var tokens = await person.RedeemAsync(await person.FinishEnrolmentAsync(wrong));

        // Both tokens say it.
        foreach (var claims in (string?[])[tokens["id_token"], tokens["access_token"]])
        {
            Answers.Claims(claims)["amr"]!.ToJsonString().ShouldBe("""["pwd","otp","mfa"]""");
            ((string?)Answers.Claims(claims)["acr"]).ShouldBe(AuthenticationMethod.MultiFactorContext);
        }

        person.TakeNewBrowser();
        var challenge = await person.ComeAsync();
        challenge.Html.ShouldContain("Confirm that it is you");
        (await person.EnterAsync(challenge, person.Phone.Code()))["code"].ShouldNotBeNull();
        (await scene.AuditAsync(AuditType.FactorEnrolled, person.Id)).Count.ShouldBe(1);
        (await scene.AuditAsync(AuditType.FactorAccepted, person.Id)).Count.ShouldBe(1);
        await scene.SetPolicyAsync();
    }

    [Fact]
    public async Task Without_a_policy_one_factor_is_enough_and_the_tokens_say_so()
    {
        await scene.SetPolicyAsync();
        var person = await scene.NewPersonAsync();

        var claims = Answers.Claims((await person.RedeemAsync(await person.ComeAsync()))["id_token"]);

        claims["amr"]!.ToJsonString().ShouldBe("""["pwd"]""");
        claims.ContainsKey("acr").ShouldBeFalse();
    }

    [Fact]
    public async Task An_application_steps_a_session_up_and_auth_time_stays_that_of_the_sign_in()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        var before = Answers.Claims((await person.RedeemAsync(await person.ComeAsync()))["id_token"]);
        scene.Clock.Advance(TimeSpan.FromMinutes(5));

        var silent = await person.ComeAsync(StepUp, ("prompt", "none"));
        silent["error"].ShouldBe("mfa_required");
        var page = await person.ComeAsync(StepUp);
        page.Html.ShouldContain("Confirm that it is you");
        page.Html.ShouldNotContain("name=\"password\"");
        var after = Answers.Claims((await person.RedeemAsync(await person.EnterAsync(page, person.Phone.Code())))["id_token"]);

        ((long)after["auth_time"]!).ShouldBe((long)before["auth_time"]!);
        ((string?)after["sid"]).ShouldBe((string?)before["sid"]);
        ((string?)after["acr"]).ShouldBe(AuthenticationMethod.MultiFactorContext);
        (await person.ComeAsync(StepUp, ("prompt", "none")))["code"].ShouldNotBeNull("the session has the factor now");
    }

    [Theory]
    [InlineData("prompt", "login")]
    [InlineData("max_age", "60")]
    public async Task Who_has_to_sign_in_anew_proves_the_second_factor_anew(string name, string value)
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        scene.Clock.Advance(TimeSpan.FromMinutes(2));

        var page = await person.ComeAsync(StepUp, (name, value));

        page.Html.ShouldContain("Confirm that it is you");
        var claims = Answers.Claims((await person.RedeemAsync(await person.EnterAsync(page, person.Phone.Code())))["id_token"]);
        ((long)claims["auth_time"]!).ShouldBe(scene.Clock.GetUtcNow().ToUnixTimeSeconds());
    }

    [Fact]
    public async Task The_session_goes_on_under_another_cookie_once_it_is_worth_more()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        await person.ComeAsync();
        var before = Cookie(person.Browser);

        var page = await person.ComeAsync(StepUp);
        await person.EnterAsync(page, person.Phone.Code());

        Cookie(person.Browser).ShouldNotBe(before);
        using var thief = scene.Vault.NewBrowser();
        thief.Cookies.Add(new Uri(scene.Vault.Issuer), new System.Net.Cookie("__Host-tv_session", before) { Secure = true });
        (await thief.GoAsync(scene.AuthorizeUrl(("prompt", "none")), Operator.Callback))["error"].ShouldBe("login_required");
    }

    [Fact]
    public async Task A_code_is_good_once_and_a_step_to_either_side()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        scene.Clock.Advance(TimeSpan.FromMinutes(2));

        foreach (var (steps, status) in ((int, int)[])[(-2, 401), (2, 401), (-1, 0), (0, 0), (1, 0)])
        {
            person.TakeNewBrowser();
            var page = await person.ComeAsync(StepUp);
            var code = person.Phone.Code(steps);
            (await person.EnterAsync(page, code)).Status.ShouldBe(status, $"{steps} steps ahead");
            if (status == 0)
            {
                person.TakeNewBrowser();
                (await person.EnterAsync(await person.ComeAsync(StepUp), code)).Status.ShouldBe(401, $"{steps} steps ahead, again");
            }
        }

        person.TakeNewBrowser();
        (await person.EnterAsync(await person.ComeAsync(StepUp), person.Phone.Code())).Status.ShouldBe(401, "of an earlier step than the last one");
    }

    [Fact]
    public async Task Of_two_requests_with_one_code_one_is_let_in()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        for (var round = 0; round < 3; round++)
        {
            Person[] both = [person with { Browser = scene.Vault.NewBrowser() }, person with { Browser = scene.Vault.NewBrowser() }];
            var pages = await Task.WhenAll(both.Select(one => one.ComeAsync(StepUp)));

            var answers = await Task.WhenAll(both.Zip(pages, (one, page) => one.EnterAsync(page, person.Phone.Code())));

            answers.Count(answer => answer.Status == 0).ShouldBe(1);
            answers.Single(answer => answer.Status != 0).Status.ShouldBeOneOf(401, 409);
            scene.Clock.Advance(TimeSpan.FromSeconds(61));
        }
    }

    [Fact]
    public async Task Who_signs_in_through_a_provider_proves_the_second_factor_here()
    {
        await scene.SetPolicyAsync(MultiFactorPolicy.Always);
        var person = new Person(scene, "", "", "") { Browser = scene.Vault.NewBrowser() };

        var page = await person.ComeAsync(("connection", Vault.VaultScene.Calendar));

        page.Html.ShouldContain("Set up a second step");
        var claims = Answers.Claims((await person.RedeemAsync(await person.FinishEnrolmentAsync(page)))["id_token"]);
        claims["amr"]!.ToJsonString().ShouldBe("""["otp","mfa"]""");
        await scene.SetPolicyAsync();
    }

    [Fact]
    public async Task T_CA_02_Codes_cannot_be_guessed_a_few_a_minute_and_then_one_an_hour()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);
        for (var minute = 0; minute < 4; minute++)
        {
            for (var attempt = 0; attempt < 5; attempt++)
            {
                (page = await person.EnterAsync(page, person.Phone.WrongCode())).Status.ShouldBe(401);
            }

            (page = await person.EnterAsync(page, person.Phone.Code())).Status.ShouldBe(429, "not even the right one");
            scene.Clock.Advance(TimeSpan.FromSeconds(61));
        }

        (page = await person.EnterAsync(page, person.Phone.Code())).Status.ShouldBe(429, "twenty in a row");
        (await scene.AuditAsync(AuditType.FactorRefused, person.Id)).Count.ShouldBe(20);
        (await scene.AuditAsync(AuditType.FactorLimitReached, person.Id)).Count.ShouldBe(3);

        scene.Clock.Advance(TimeSpan.FromMinutes(59));
        person.TakeNewBrowser();
        (await person.EnterAsync(await person.ComeAsync(StepUp), person.Phone.Code()))["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Who_has_lost_the_device_gets_in_by_a_recovery_code_once_and_sets_up_another_one()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        var lost = person.Phone;
        person.TakeNewBrowser();
        var page = await person.FollowAsync(await person.ComeAsync(StepUp), "/u/mfa/recovery");
        (page = await person.EnterAsync(page, "AAAA-BBBB-CCCC-DDDD")).Status.ShouldBe(401);

        page = await person.EnterAsync(page, person.RecoveryCodes[3].ToLowerInvariant().Replace('-', ' '));

        page.Html.ShouldContain("9 recovery codes left");
        var back = await person.FollowAsync(page, "/authorize/resume");
        Answers.Claims((await person.RedeemAsync(back))["id_token"])["amr"]!.ToJsonString().ShouldBe("""["pwd","mfa"]""");

        var setUp = await person.FollowAsync(page, "/u/mfa/enroll");
        var phone = Phone.SetUpFrom(setUp, scene.Clock);
        (await person.EnterAsync(setUp, phone.Code()))["code"].ShouldNotBeNull("the other recovery codes stay");
        scene.Clock.Advance(TimeSpan.FromSeconds(30));

        person.TakeNewBrowser();
        page = await person.ComeAsync(StepUp);
        (page = await person.EnterAsync(page, lost.Code())).Status.ShouldBe(401);
        (await person.EnterAsync(page, phone.Code()))["code"].ShouldNotBeNull();

        person.TakeNewBrowser();
        page = await person.FollowAsync(await person.ComeAsync(StepUp), "/u/mfa/recovery");
        (await person.EnterAsync(page, person.RecoveryCodes[3])).Status.ShouldBe(401, "used");
        (await scene.AuditAsync(AuditType.RecoveryAccepted, person.Id)).Count.ShouldBe(1);
        (await scene.AuditAsync(AuditType.RecoveryRefused, person.Id)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_password_alone_sets_up_no_second_factor_where_there_is_one()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);

        var enrol = await person.Browser.GoAsync(page.Url.Replace("/u/mfa?", "/u/mfa/enroll?", StringComparison.Ordinal));

        enrol.Status.ShouldBe(400);
        enrol.Html.ShouldNotContain("id=\"key\"");
    }

    [Fact]
    public async Task The_page_of_one_browser_is_no_page_of_another_and_none_for_whom_it_was_not_shown()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        var page = await person.ComeAsync(StepUp);
        var own = person.Browser;

        using var stranger = scene.Vault.NewBrowser();
        person.Browser = stranger;
        (await person.EnterAsync(page, person.Phone.Code())).Status.ShouldBe(400);

        // Signed in as somebody else meanwhile, in the same browser.
        var other = await scene.NewPersonAsync() with { Browser = own };
        (await other.ComeAsync(("prompt", "login")))["code"].ShouldNotBeNull();
        (await other.EnterAsync(page, person.Phone.Code())).Status.ShouldBe(400);
    }

    [Fact]
    public async Task What_is_stored_of_a_factor_gives_neither_its_secret_nor_a_recovery_code_away()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();

        var row = (await scene.Storage.FindAsync(UserFactors.Kind, person.Id, CancellationToken.None))!;
        var text = System.Text.Encoding.UTF8.GetString(row.Body);

        text.ShouldNotContain(Convert.ToBase64String(person.Phone.Secret));
        text.ShouldNotContain(Totp.Text(person.Phone.Secret), Case.Insensitive);
        text.ShouldNotContain(Convert.ToHexString(person.Phone.Secret), Case.Insensitive);
        person.RecoveryCodes.ShouldAllBe(code => !text.Contains(code.Replace("-", "")) && !text.Contains(Identifier.Hash(code.Replace("-", ""))));
    }

    private static string Cookie(Browser browser) =>
        browser.Cookies.GetAllCookies().Single(cookie => cookie.Name == "__Host-tv_session").Value;
}
