using System.Globalization;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users.Factors;

/// <summary>The pages of the second factor. Only passkeys need a script: browsers have no other way to them.</summary>
internal static class FactorPages
{
    private const string PasskeyScript = """
        (() => {
          const form = document.querySelector('form[data-options]');
          if (!form || !window.PublicKeyCredential?.parseCreationOptionsFromJSON) return;
          const [button, problem] = ['passkey', 'passkey-problem'].map((id) => document.getElementById(id));
          button.hidden = false;
          button.addEventListener('click', async () => {
            problem.hidden = true;
            try {
              const options = JSON.parse(form.dataset.options);
              const credential = form.dataset.ceremony === 'create'
                ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
                : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
              form.elements.credential.value = JSON.stringify(credential.toJSON());
              form.submit();
            } catch {
              problem.hidden = false;
            }
          });
        })();
        """;

    private static readonly Html CodeInput = Html.Of($"""
        <label for="code">Code</label>
        <input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" maxlength="10" required autofocus>
        <button type="submit">Continue</button>
        """);

    /// <param name="offer">Null when the user has no passkey.</param>
    public static Page Challenge(FactorVisit visit, PasskeyOffer? offer, string? problem, int status)
    {
        var code = visit.Factors.TotpId is null
            ? Html.Of($"<noscript><p>A passkey needs JavaScript.</p></noscript>")
            : Html.Of($"<p>Enter the code that your authenticator app shows.</p>{CodeInput}");
        var lost = FactorVisits.Url(FactorVisits.RecoveryPath, visit.Text);
        var body = Html.Of($"""
            <h1>Confirm that it is you</h1>{Alert(problem)}
            {Form(FactorVisits.ChallengePath, visit, offer, "get", code, "Use a passkey")}
            <p><a href="{lost}">I cannot use this: enter a recovery code</a></p>
            """);
        return Framed("Confirm that it is you", body, visit, status, offer is not null);
    }

    /// <param name="issuer">What the authenticator app is to call this server.</param>
    public static Page Enrol(FactorVisit visit, string issuer, byte[] secret, PasskeyOffer offer, (string? Problem, int Status) how)
    {
        var account = visit.User.Email ?? visit.User.Username ?? visit.User.UserId;
        var qr = QrCode.Svg(Totp.Uri(issuer, account, secret), "QR code for an authenticator app");
        var key = string.Join(' ', Totp.Text(secret).Chunk(4).Select(part => new string(part)));
        var code = Html.Of($"""
            <p>Scan this with an authenticator app, or enter the key in it. Then enter the code that it shows.</p>
            <p>{qr}</p><p>Key: <code id="key">{key}</code></p>{CodeInput}
            """);
        var body = Html.Of($"""
            <h1>Set up a second step</h1>{Alert(how.Problem)}
            <p>Besides what you sign in with, a second proof is needed that it is you.</p>
            {Form(FactorVisits.EnrolPath, visit, offer, "create", code, "Set up a passkey instead")}
            """);
        return Framed("Set up a second step", body, visit, how.Status, script: true);
    }

    public static Page Recovery(FactorVisit visit, string? problem, int status)
    {
        var back = FactorVisits.Url(FactorVisits.ChallengePath, visit.Text);
        var body = Html.Of($"""
            <h1>Enter a recovery code</h1>{Alert(problem)}
            <p>One of those that you were shown when you set up the second step. Each can be used once.</p>
            <form method="post" action="{FactorVisits.RecoveryPath}"><input type="hidden" name="state" value="{visit.Text}">
            <label for="code">Recovery code</label>
            <input id="code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="40" required autofocus>
            <button type="submit">Continue</button></form>
            <p><a href="{back}">Back</a></p>
            """);
        return Framed("Enter a recovery code", body, visit, status, script: false);
    }

    /// <summary>After a recovery code: who has lost the device sets up another one.</summary>
    public static Page Recovered(FactorVisit visit, int left)
    {
        var enrol = FactorVisits.Url(FactorVisits.EnrolPath, visit.Text);
        var body = Html.Of($"""
            <h1>You are signed in</h1>
            <p>You have {left.ToString(CultureInfo.InvariantCulture)} recovery codes left.</p>
            <ul class="choices"><li><a class="button" href="{enrol}">Set up a new second step</a></li>
            <li><a class="button" href="{AuthorizePage.ResumeUrl(visit.Text)}">Continue without</a></li></ul>
            """);
        return new Page("You are signed in", body);
    }

    /// <summary>Shown this once: what is stored does not give them back.</summary>
    public static Page Codes(FactorVisit visit, IReadOnlyList<string> codes)
    {
        var list = Html.Join(codes.Select(code => Html.Of($"<li><code>{code}</code></li>")));
        var body = Html.Of($"""
            <h1>Keep your recovery codes</h1>
            <p id="what">If you lose your device, each of these lets you in once. They are not shown again: print them, or keep them in a password manager.</p>
            <ul aria-labelledby="what" id="codes">{list}</ul>
            <p><a class="button" href="{AuthorizePage.ResumeUrl(visit.Text)}">I have kept them: continue</a></p>
            """);
        return new Page("Keep your recovery codes", body);
    }

    private static Html Form(string path, FactorVisit visit, PasskeyOffer? offer, string ceremony, Html code, string label)
    {
        var state = Html.Of($"""<input type="hidden" name="state" value="{visit.Text}">""");
        if (offer is null)
        {
            return Html.Of($"""<form method="post" action="{path}">{state}{code}</form>""");
        }

        return Html.Of($"""
            <form method="post" action="{path}" data-options="{offer.Options}" data-ceremony="{ceremony}">{state}<input type="hidden" name="credential" value="">{code}
            <button type="button" id="passkey" class="plain" hidden>{label}</button>
            <p id="passkey-problem" class="error" role="alert" hidden>The passkey was not used. Try again, or choose another way.</p></form>
            """);
    }

    private static Page Framed(string title, Html body, FactorVisit visit, int status, bool script) => new(title, body)
    {
        Status = status,
        FormTarget = AuthorizePage.Target(visit.State.Query),
        Script = script ? PasskeyScript : null,
    };

    private static Html Alert(string? problem) => problem is null ? Html.Empty : Html.Of($"""<p class="error" role="alert">{problem}</p>""");
}
