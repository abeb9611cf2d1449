using System.Text;
using System.Text.Json;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public class BodyReaderTests
{
    [Theory]
    [InlineData("""{"name":"a","name":"b"}""")]
    [InlineData("""{"name":"a",}""")]
    [InlineData("""{"name":"a"} x""")]
    [InlineData("""// comment""")]
    [InlineData("""{"name":'a'}""")]
    [InlineData("""{"name":"\ud800"}""")]
    [InlineData("""{"\udfff":1}""")]
    [InlineData("""{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}}}}}}}}""")]
    [InlineData("")]
    [InlineData("NaN")]
    public void A_body_that_is_not_strict_json_is_refused(string json)
    {
        var error = JsonBody.Parse(Encoding.UTF8.GetBytes(json)).Error.ShouldNotBeNull();
        error.Status.ShouldBe(400);
        error.Code.ShouldBe("invalid_body");
    }

    [Theory]
    [InlineData("[]", "object", "array")]
    [InlineData("null", "object", "null")]
    [InlineData("\"x\"", "object", "string")]
    public void A_body_must_be_an_object(string json, string expected, string found)
    {
        Read(json).Refused(out var error).ShouldBeTrue();
        error!.Message.ShouldBe($"Payload validation error: 'Expected type {expected} but found type {found}'");
    }

    [Fact]
    public void T_MG_06_a_member_that_nobody_asked_for_is_refused_by_its_name()
    {
        var body = Read("""{"name":"a","tenant":"other"}""");
        body.RequiredText("name", "", 10).ShouldBe("a");
        body.Refused(out var error).ShouldBeTrue();
        error!.Message.ShouldBe("Payload validation error: 'Additional properties not allowed: tenant'");
        error.Code.ShouldBe("invalid_body");
    }

    [Fact]
    public void T_MG_06_a_nested_member_that_nobody_asked_for_is_refused_with_its_place()
    {
        var body = Read("""{"outer":{"inner":1,"more":2}}""");
        body.Nested("outer", 0, 0, nested => nested.Number("inner", 0, 0, 0, 5)).ShouldBe(1);
        body.Refused(out var error).ShouldBeTrue();
        error!.Message.ShouldBe("Payload validation error: 'Additional properties not allowed: more' on property outer");
    }

    [Fact]
    public void T_MG_06_names_are_compared_to_the_letter()
    {
        var body = Read("""{"Name":"a"}""");
        body.RequiredText("name", "kept", 10).ShouldBe("kept");
        body.Refused(out _).ShouldBeTrue();
    }

    [Fact]
    public void What_is_absent_stays_and_what_is_null_goes_to_its_default()
    {
        var body = Read("""{"b":null,"d":null,"f":null,"h":null,"j":null}""");
        body.Text("a", "kept", 10).ShouldBe("kept");
        body.Text("b", "kept", 10).ShouldBeNull();
        body.Flag("c", true, fallback: false).ShouldBeTrue();
        body.Flag("d", true, fallback: false).ShouldBeFalse();
        body.Number("e", 7, 1, 0, 9).ShouldBe(7);
        body.Number("f", 7, 1, 0, 9).ShouldBe(1);
        body.Texts("g", ["x"], 3).ShouldBe(["x"]);
        body.Texts("h", ["x"], 3).ShouldBeEmpty();
        body.OneOf("i", "one", "two", "one", "two").ShouldBe("one");
        body.OneOf("j", "one", "two", "one", "two").ShouldBe("two");
        body.Refused(out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"text":1}""", "Expected type string but found type number", "text")]
    [InlineData("""{"text":"a\u0000b"}""", "The text holds control characters", "text")]
    [InlineData("""{"text":"12345678901"}""", "String is too long (11 chars), maximum 10", "text")]
    [InlineData("""{"flag":"true"}""", "Expected type boolean but found type string", "flag")]
    [InlineData("""{"number":"1"}""", "Expected type integer but found type string", "number")]
    [InlineData("""{"number":1.5}""", "Expected an integer from 0 to 9", "number")]
    [InlineData("""{"number":99999999999999}""", "Expected an integer from 0 to 9", "number")]
    [InlineData("""{"texts":"a"}""", "Expected type array but found type string", "texts")]
    [InlineData("""{"texts":["a",1]}""", "Expected type string but found type number", "texts[1]")]
    [InlineData("""{"texts":["a","b","c","d"]}""", "Array is too long (4), maximum 3", "texts")]
    [InlineData("""{"texts":["a","a"]}""", "Array items are not unique", "texts")]
    [InlineData("""{"choice":"three"}""", "No enum match for: three", "choice")]
    [InlineData("""{"choice":"ONE"}""", "No enum match for: ONE", "choice")]
    [InlineData("""{"fixed":true}""", "Not supported by this server: the only value is false", "fixed")]
    [InlineData("""{"echo":"other"}""", "The property is read-only", "echo")]
    public void A_wrong_value_is_named(string json, string problem, string property)
    {
        var body = Read(json);
        body.Text("text", null, 10);
        body.Flag("flag", false, fallback: false);
        body.Number("number", 0, 0, 0, 9);
        body.Texts("texts", [], 3);
        body.OneOf("choice", "one", "one", "one", "two");
        body.Fixed("fixed", "false");
        body.Echo("echo", "same");
        body.Refused(out var error).ShouldBeTrue();
        error!.Message.ShouldBe($"Payload validation error: '{problem}' on property {property}");
    }

    [Fact]
    public void A_required_member_that_is_missing_is_named()
    {
        var body = Read("{}");
        body.RequiredText("name", "", 10);
        body.Refused(out var error).ShouldBeTrue();
        error!.Message.ShouldBe("Payload validation error: 'Missing required property: name'");
    }

    [Fact]
    public void Metadata_are_a_few_short_texts()
    {
        Problem("""{"a":"b"}""").ShouldBeNull();
        Problem("""{"a":1}""").ShouldNotBeNull();
        Problem("""{"a":{"b":"c"}}""").ShouldNotBeNull();
        Problem("{" + string.Join(',', Enumerable.Range(0, 11).Select(i => $"\"k{i}\":\"v\"")) + "}").ShouldNotBeNull();
        Problem($$"""{"a":"{{new string('x', 256)}}"}""").ShouldNotBeNull();

        static ManagementError? Problem(string json)
        {
            var body = Read($$"""{"metadata":{{json}}}""");
            body.Free("metadata", null, WireJson.MetadataProblem);
            return body.Refused(out var error) ? error : null;
        }
    }

    private static BodyReader Read(string json) => BodyReader.OfObject(new JsonBody(JsonDocument.Parse(json).RootElement, Error: null));
}
