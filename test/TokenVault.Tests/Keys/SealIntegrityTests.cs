using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using Xunit.Abstractions;

namespace TokenVault.Tests.Keys;

/// <summary>
/// Damage to what is stored sealed, of every noun that has it, is found. How often is tried says the environment variable
/// <c>TOKENVAULT_TAMPERINGS</c>.
/// </summary>
public sealed class SealIntegrityTests(ITestOutputHelper output) : IAsyncLifetime
{
    private KeyStore _store = null!;
    private KeyRing _ring = null!;
    private readonly List<(SealedNoun Noun, Entity Row)> _rows = [];

    private static int Tamperings => int.Parse(Environment.GetEnvironmentVariable("TOKENVAULT_TAMPERINGS") ?? "4000", CultureInfo.InvariantCulture);

    public async Task InitializeAsync()
    {
        _store = KeyStore.Open();
        _ring = await _store.OpenRingAsync();
        await new SealedStore(_store.Storage, _ring, _store.Clock).FillAsync(tokensets: 100, others: 20);
        await foreach (var row in new SealedRows(_store.Storage, SealedNouns.All).ReadAsync(CancellationToken.None))
        {
            _rows.Add(row);
        }
    }

    public async Task DisposeAsync()
    {
        await _ring.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public void T_EN_03_A_changed_byte_of_a_sealed_value_is_found_wherever_it_is()
    {
        var random = new Random(3);
        var places = new HashSet<int>();
        for (var i = 0; i < Tamperings; i++)
        {
            var (noun, row) = _rows[i % _rows.Count];
            var body = JsonNode.Parse(row.Body)!;
            var path = AnyPath(noun, body, random);
            var member = Member(body, path);
            var blob = Convert.FromBase64String((string)member!);
            var place = random.Next(blob.Length);
            blob[place] ^= (byte)random.Next(1, 256);
            places.Add(place);
            member!.ReplaceWith(JsonValue.Create(Convert.ToBase64String(blob)));

            noun.FindBroken(row with { Body = Bytes(body) }, _ring).ShouldBe([path], $"{noun.Kind} {place}");
        }

        for (var place = 0; place < Envelope.Overhead; place++)
        {
            places.ShouldContain(place);
        }

        output.WriteLine($"{Tamperings} changed bytes in {_rows.Count} rows of {SealedNouns.All.Count} nouns, all found");
    }

    [Fact]
    public void T_EN_02_A_sealed_value_or_a_body_of_another_row_is_found()
    {
        var random = new Random(2);
        var swaps = 0;
        while (swaps < Tamperings)
        {
            var (noun, row) = _rows[random.Next(_rows.Count)];
            var (otherNoun, other) = _rows[random.Next(_rows.Count)];
            if (other == row)
            {
                continue;
            }

            var (body, otherBody) = (JsonNode.Parse(row.Body)!, JsonNode.Parse(other.Body)!);
            var path = AnyPath(noun, body, random);
            var foreign = Member(otherBody, AnyPath(otherNoun, otherBody, random))!.DeepClone();
            Member(body, path)!.ReplaceWith(foreign);
            noun.FindBroken(row with { Body = Bytes(body) }, _ring).ShouldBe([path], $"{otherNoun.Kind} into {noun.Kind}");

            if (noun.Kind == otherNoun.Kind)
            {
                Should.Throw<CorruptRecordException>(() => noun.FindBroken(row with { Body = other.Body }, _ring));
            }

            swaps++;
        }

        output.WriteLine($"{swaps} values moved between rows of {SealedNouns.All.Count} nouns, all found");
    }

    [Fact]
    public async Task T_EN_02_T_EN_03_The_verification_of_a_store_names_every_damaged_row_and_no_other()
    {
        var damaged = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 1; i < _rows.Count; i += 3)
        {
            var (noun, row) = _rows[i];
            var body = JsonNode.Parse(row.Body)!;
            var member = Member(body, noun.Paths[0]);
            var blob = Convert.FromBase64String((string)member!);
            blob[i % blob.Length] ^= 1;
            member!.ReplaceWith(JsonValue.Create(Convert.ToBase64String(blob)));
            await _store.Storage.CommitAsync(new Batch().Rewrite(row with { Body = Bytes(body) }));
            damaged.Add(row.Id);
        }

        var found = new HashSet<string>(StringComparer.Ordinal);
        var result = await new KeyVerification(new SealedRows(_store.Storage, SealedNouns.All), _ring).VerifyAsync(
            (row, problems) =>
            {
                if (problems.Count > 0)
                {
                    found.Add(row.Id);
                }
            },
            CancellationToken.None);

        found.ShouldBe(damaged, ignoreOrder: true);
        result.Broken.ShouldBe(damaged.Count);
    }

    /// <summary>Of the values that this row has: not every row of a noun has all.</summary>
    private static string AnyPath(SealedNoun noun, JsonNode body, Random random)
    {
        var paths = noun.Paths.Where(path => Member(body, path) is not null).ToList();
        return paths[random.Next(paths.Count)];
    }

    /// <summary>As the stored form names it.</summary>
    private static JsonNode? Member(JsonNode body, string path) =>
        path.Split('.').Aggregate((JsonNode?)body, (node, name) => node?[System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(name)]);

    private static byte[] Bytes(JsonNode body) => System.Text.Encoding.UTF8.GetBytes(body.ToJsonString());
}
