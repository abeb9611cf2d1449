using System.Text;
using System.Text.Json;
using TokenVault.Server.Clients;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Storage;

public sealed class SharedTextTests
{
    [Fact]
    public void Rows_share_the_strings_that_they_have_in_common()
    {
        var (one, other) = (Read("""{"id":"a"}"""), Read("""{"id":"b"}"""));
        one.UserId.ShouldBe("auth0|user");
        one.UserId.ShouldBeSameAs(other.UserId);
        one.ConnectionId.ShouldBeSameAs(other.ConnectionId);
        one.Connection.ShouldBeSameAs(other.Connection);
        one.Scopes.ShouldBe(["calendar.read", "täglich"]);
        one.Scopes.ShouldBeSameAs(other.Scopes);
        Read("""{"id":"c","scopes":["täglich","calendar.read"]}""").Scopes.ShouldBe(["täglich", "calendar.read"]);
        one.RequestedScopes.ShouldBeNull();
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("ünïcödé ☃ 🙂")]
    [InlineData("quo\"te \\ and\nline")]
    [InlineData("sixty-four-and-more-sixty-four-and-more-sixty-four-and-more-sixty-four-and-more")]
    public void A_text_is_read_as_it_was_written_whatever_it_is(string text)
    {
        for (var again = 0; again < 2; again++)
        {
            var row = Read("""{"id":"a"}""") with { Connection = text, Scopes = [text, text], RequestedScopes = [] };
            var read = row.ToEntity().ToRecord<Tokenset>();
            read.Connection.ShouldBe(text);
            read.Scopes.ShouldBe([text, text]);
            read.RequestedScopes.ShouldBe([]);
        }
    }

    [Fact]
    public void As_many_texts_as_there_are_come_back_as_they_were()
    {
        foreach (var i in Enumerable.Range(0, 10_000).Concat(Enumerable.Range(0, 10_000)))
        {
            var row = JsonSerializer.Deserialize(
                $$"""{"id":"a","client_id":"c{{i}}","user_id":"u{{i}}","handle_hash":"","secret_hash":"","scopes":["s{{i}}","t"],"methods":["pwd"]}""", RefreshToken.TypeInfo);
            row.ShouldNotBeNull().ClientId.ShouldBe($"c{i}");
            row.Scopes.ShouldBe([$"s{i}", "t"]);
        }
    }

    [Theory]
    [InlineData("""{"user_id":1}""")]
    [InlineData("""{"user_id":["u"]}""")]
    [InlineData("""{"scopes":"s"}""")]
    [InlineData("""{"scopes":[1]}""")]
    [InlineData("""{"scopes":[["s"]]}""")]
    [InlineData("""{"scopes":{"s":1}}""")]
    public void What_is_no_text_makes_a_corrupt_row(string members)
    {
        var entity = Read("""{"id":"a"}""").ToEntity();
        var body = Merge(Encoding.UTF8.GetString(entity.Body), members);
        Should.Throw<CorruptRecordException>(() => (entity with { Body = Encoding.UTF8.GetBytes(body) }).ToRecord<Tokenset>());
    }

    private static Tokenset Read(string members)
    {
        const string row = """
            {"account_id":"cac","user_id":"auth0|user","connection_id":"con_1","connection":"bench","grant_id":"g","sealed_tokens":"","scopes":["calendar.read","täglich"]}
            """;
        return JsonSerializer.Deserialize(Merge(row, members), Tokenset.TypeInfo).ShouldNotBeNull();
    }

    private static string Merge(string json, string members)
    {
        var merged = System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject();
        foreach (var (name, value) in System.Text.Json.Nodes.JsonNode.Parse(members)!.AsObject())
        {
            merged[name] = value?.DeepClone();
        }

        return merged.ToJsonString();
    }
}
