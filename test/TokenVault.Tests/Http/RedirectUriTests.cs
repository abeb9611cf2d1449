using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public class RedirectUriTests
{
    [Theory]
    [InlineData("https://app.example.com/callback")]
    [InlineData("https://app.example.com")]
    [InlineData("https://app.example.com:8443/callback?a=b")]
    [InlineData("https://APP.example.com/callback")]
    [InlineData("http://localhost:3000/auth/callback")]
    [InlineData("http://127.0.0.1:3000/auth/callback")]
    [InlineData("http://127.29.3.4/callback")]
    [InlineData("http://[::1]:3000/auth/callback")]
    public void Https_and_loopback_http_are_registrable(string uri)
    {
        RedirectUri.IsRegistrable(uri, native: false, out var problem).ShouldBeTrue(problem);
        RedirectUri.IsRegistrable(uri, native: true, out problem).ShouldBeTrue(problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/callback")]
    [InlineData("//app.example.com/callback")]
    [InlineData("app.example.com/callback")]
    [InlineData("https:app.example.com/callback")]
    [InlineData("https:/app.example.com/callback")]
    [InlineData("https:///callback")]
    [InlineData("https://")]
    [InlineData("https://:443/callback")]
    [InlineData("https://app.example.com:port/")]
    [InlineData("https://app.example.com:99999/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("JavaScript:alert(1)")]
    [InlineData("JAVASCRIPT://app.example.com/%0aalert(1)")]
    [InlineData(" javascript:alert(1)")]
    [InlineData("java\tscript:alert(1)")]
    [InlineData("data:text/html,<script>alert(1)</script>")]
    [InlineData("DATA:text/html;base64,AAAA")]
    [InlineData("vbscript:msgbox(1)")]
    [InlineData("blob:https://app.example.com/1")]
    [InlineData("filesystem:https://app.example.com/1")]
    [InlineData("file:///etc/passwd")]
    [InlineData("about:blank")]
    [InlineData("view-source:https://app.example.com/")]
    [InlineData("ftp://app.example.com/")]
    [InlineData("ws://app.example.com/")]
    [InlineData("intent://app.example.com/#Intent;end")]
    [InlineData("myapp:/callback")]
    [InlineData("HTTPS://app.example.com/callback")]
    [InlineData("http://app.example.com/callback")]
    [InlineData("http://localhost.example.com/callback")]
    [InlineData("http://127.0.0.1.example.com/callback")]
    [InlineData("http://0177.0.0.1/callback")]
    [InlineData("http://128.0.0.1/callback")]
    [InlineData("http://[::ffff:127.0.0.1]/callback")]
    [InlineData("http://127.1/callback")]
    [InlineData("http://0x7f000001/callback")]
    [InlineData("http://2130706433/callback")]
    [InlineData("http://localhost@app.example.com/callback")]
    [InlineData("https://user@app.example.com/callback")]
    [InlineData("https://user:password@app.example.com/callback")]
    [InlineData("https://app.example.com\\@evil.example/callback")]
    [InlineData("https://app.example.com/callback#fragment")]
    [InlineData("https://app.example.com/callback#")]
    [InlineData("https://*.example.com/callback")]
    [InlineData("https://app.example.com/*")]
    [InlineData("https://app.example.com/call back")]
    [InlineData("https://app.example.com/callback\r\nLocation: https://evil.example")]
    [InlineData("https://app.example.com/callback\0")]
    [InlineData("https://app.example.com/\u202ecallback")]
    [InlineData("https://①②⑦.⓪.⓪.①/callback")]
    [InlineData("https://аpp.example.com/callback")]
    [InlineData("https://app%2eexample.com/callback")]
    public void T_MG_05_nothing_else_is_registrable(string uri)
    {
        RedirectUri.IsRegistrable(uri, native: false, out var problem).ShouldBeFalse();
        problem.ShouldNotBeEmpty();
        RedirectUri.IsRegistrable(uri, native: true, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("com.example.app:/callback")]
    [InlineData("com.example.app://callback")]
    [InlineData("com.example.my-app2:/oauth/callback?x=1")]
    public void A_native_application_may_claim_a_reversed_domain_name(string uri)
    {
        RedirectUri.IsRegistrable(uri, native: true, out var problem).ShouldBeTrue(problem);
        RedirectUri.IsRegistrable(uri, native: false, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("com.example.app:")]
    [InlineData(".com.example:/callback")]
    [InlineData("com..example:/callback")]
    [InlineData("1com.example:/callback")]
    [InlineData("Com.Example.App:/callback")]
    [InlineData("com.example.app:/callback#fragment")]
    [InlineData("com.example.app://user@host/callback")]
    [InlineData("com.example.app:/call\nback")]
    public void A_custom_scheme_keeps_to_its_form(string uri) => RedirectUri.IsRegistrable(uri, native: true, out _).ShouldBeFalse();

    [Fact]
    public void A_redirect_uri_has_2048_characters_at_most()
    {
        var uri = "https://app.example.com/".PadRight(2048, 'a');
        RedirectUri.IsRegistrable(uri, native: false, out _).ShouldBeTrue();
        RedirectUri.IsRegistrable(uri + "a", native: false, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://app.example.com", true)]
    [InlineData("https://app.example.com:8443", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("https://app.example.com/", false)]
    [InlineData("https://app.example.com:443", false)]
    [InlineData("https://APP.example.com", false)]
    [InlineData("https://app.example.com/path", false)]
    [InlineData("https://app.example.com?x", false)]
    [InlineData("http://app.example.com", false)]
    [InlineData("null", false)]
    [InlineData("*", false)]
    public void An_origin_is_written_as_browsers_write_it(string origin, bool valid) => WebUri.IsOrigin(origin, out _).ShouldBe(valid);
}
