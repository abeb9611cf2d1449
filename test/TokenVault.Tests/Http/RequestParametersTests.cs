using System.Text;
using Microsoft.AspNetCore.Http;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

/// <summary>What is read of a request's body.</summary>
public sealed class RequestParametersTests
{
    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-8")]
    public async Task Characters_that_lie_across_the_parts_of_a_body_are_read_whole(string type)
    {
        var text = string.Concat(Enumerable.Repeat("ä€😀", 2_500));
        for (var shift = 0; shift < 4; shift++)
        {
            var value = new string('x', shift) + text;
            var read = await ReadAsync(type, type == "application/json" ? $$"""{"a":"{{value}}","b":"two"}""" : $"a={value}&b=two");

            read["a"].ShouldBe(value);
            read["b"].ShouldBe("two");
        }
    }

    [Fact]
    public async Task A_body_that_ends_within_a_character_is_refused()
    {
        byte[] body = [.. Encoding.UTF8.GetBytes("a=" + new string('x', 5_000)), 0xE2, 0x82];

        (await RefusalAsync(body)).ShouldContain("UTF-8");
        (await RefusalAsync([.. "a="u8, 0xFF])).ShouldContain("UTF-8");
    }

    [Fact]
    public async Task A_body_without_anything_has_no_parameters() =>
        (await ReadAsync("application/x-www-form-urlencoded", "")).All.ShouldBeEmpty();

    [Theory]
    [InlineData(32 * 1024, false)]
    [InlineData((32 * 1024) + 1, true)]
    public async Task A_body_has_a_largest_size_whether_it_is_told_or_not(int size, bool refused)
    {
        var body = Encoding.ASCII.GetBytes("a=" + new string('x', size - 2));
        foreach (var told in new long?[] { null, size })
        {
            (await RequestParameters.ReadBodyAsync(Request("application/x-www-form-urlencoded", body, told))).Failed(out var error).ShouldBe(refused);
            error?.Status.ShouldBe(413);
        }
    }

    private static async Task<RequestParameters> ReadAsync(string type, string body)
    {
        var read = await RequestParameters.ReadBodyAsync(Request(type, Encoding.UTF8.GetBytes(body), told: null));
        read.Failed(out var error).ShouldBeFalse(error?.Description);
        return read.Value;
    }

    private static async Task<string> RefusalAsync(byte[] body)
    {
        var read = await RequestParameters.ReadBodyAsync(Request("application/x-www-form-urlencoded", body, told: null));
        read.Failed(out var error).ShouldBeTrue();
        return error!.Description;
    }

    private static HttpRequest Request(string type, byte[] body, long? told)
    {
        var request = new DefaultHttpContext().Request;
        (request.ContentType, request.ContentLength, request.Body) = (type, told, new MemoryStream(body));
        return request;
    }
}
