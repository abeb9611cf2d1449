using System.Text;
using System.Text.Json;
using TokenVault.Server.Clients;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Storage;

public sealed class SharedTextTests
{
    [Fact]
    public void Rows_share_what_they_have_in_common()
    {
        Share(row => row.UserId);
        Share(row => row.ConnectionId);
        Share(row => row.Connection);
        Share(row => row.Scopes);
        Read("{}").UserId.ShouldBe("auth0|user");
        Read("{}").Scopes.ShouldBe(["calendar.read", "täglich"]);
        Read("""{"scopes":["täglich","calendar.read"]}""").Scopes.ShouldBe(["täglich", "calendar.read"]);
        Read("{}").RequestedScopes.ShouldBeNull();
    }

    [Fact]
    public void Lists_that_are_long_or_of_long_texts_are_not_kept()
    {
        var many = JsonSerializer.Serialize(Enumerable.Range(0, 33).Select(i => $"s{i}"));
        var wide = JsonSerializer.Serialize((string[])["s", new string('s', 65)]);
        foreach (var scopes in (string[])[many, wide])
        {
            var (one, other) = (Read($$"""{"scopes":{{scopes}}}"""), Read($$"""{"scopes":{{scopes}}}"""));
            one.Scopes.ShouldBe(other.Scopes);
            one.Scopes.ShouldNotBeSameAs(other.Scopes);
        }
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
            var row = Read("{}") with { Connection = text, Scopes = [text, text], RequestedScopes = [] };
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
        var entity = Read("{}").ToEntity();
        var body = Merge(Encoding.UTF8.GetString(entity.Body), members);
        Should.Throw<CorruptRecordException>(() => (entity with { Body = Encoding.UTF8.GetBytes(body) }).ToRecord<Tokenset>());
    }

    /// <summary>Other tests read rows meanwhile, and may take the place of what was read last: not each time.</summary>
    private static void Share(Func<Tokenset, object> what) =>
        Enumerable.Range(0, 20).Any(_ => ReferenceEquals(what(Read("{}")), what(Read("{}")))).ShouldBeTrue();

    private static Tokenset Read(string members)
    {
        const string row = """
            {"id":"a","account_id":"cac","user_id":"auth0|user","connection_id":"con_1","connection":"bench","grant_id":"g","sealed_tokens":"","scopes":["calendar.read","täglich"]}
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
