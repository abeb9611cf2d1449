using FsCheck;
using FsCheck.Fluent;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    private static readonly string[] ModelIds = ["a", "b", "B", "é", "\uFFFD", "😀"];
    private static readonly string[] ModelValues = ["x", "y", "z"];

    /// <summary>
    /// Each number is the seed of one step, so that a failing history shrinks by leaving steps out. The histories share a store, and
    /// have kinds and index names of their own.
    /// </summary>
    [Fact]
    public void Any_history_of_batches_ends_as_in_the_model()
    {
        var histories = 0;
        var history = Arb.From(Gen.Choose(0, int.MaxValue - 1).ArrayOf(60), WithoutOne);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(60),
            Prop.ForAll(history, seeds => ReplayAsync(seeds, histories++).GetAwaiter().GetResult()));
        histories.ShouldBeGreaterThanOrEqualTo(60);
    }

    private static IEnumerable<int[]> WithoutOne(int[] seeds) => seeds.Select((_, i) => (int[])[.. seeds[..i], .. seeds[(i + 1)..]]);

    private async Task<bool> ReplayAsync(int[] seeds, int history)
    {
        var model = new StorageModel();
        foreach (var seed in seeds)
        {
            var random = new Random(seed);
            if (random.Next(8) == 0)
            {
                Clock.Advance(TimeSpan.FromSeconds(random.Next(40)));
                await Storage.PurgeExpiredAsync(random.Next(3), default);
                continue;
            }

            Operation[] operations = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => AnyOperation(random, history, model))];
            var expected = model.Commit(operations, Clock.GetUtcNow());
            (await CommitAsync(operations)).ShouldBe(expected);
        }

        await CompareAsync(model, history);
        return true;
    }

    private async Task CompareAsync(StorageModel model, int history)
    {
        model.Expire(Clock.GetUtcNow());
        foreach (var kind in Enumerable.Range(0, 2).Select(i => ModelKind(history, i)))
        {
            foreach (var id in ModelIds)
            {
                Same(await FindAsync(id, kind), model.Find(kind, id));
            }

            foreach (var value in ModelValues)
            {
                Same(await Storage.FindByKeyAsync(kind, "name", value, default), model.FindByKey(kind, Name(value)));
            }

            ListQuery[] queries = [new(kind), .. ModelValues.Select(value => new ListQuery(kind) { Index = ModelIndex(history, value) })];
            foreach (var query in queries)
            {
                (await IdsAsync(query)).ShouldBe(model.List(query).Select(row => row.Id));
                (await Storage.CountAsync(query, default)).ShouldBe(model.List(query).Count());
            }
        }
    }

    private static void Same(Entity? actual, Entity? expected)
    {
        Body(actual).ShouldBe(Body(expected));
        (actual?.Id, actual?.Version, actual?.ExpiresAt).ShouldBe((expected?.Id, expected?.Version, expected?.ExpiresAt));
    }

    private static string ModelKind(int history, int number) => $"kind{history}.{number}";

    private static EntityKey ModelIndex(int history, string value) => EntityKey.Index($"owner{history}", value);

    private Operation AnyOperation(Random random, int history, StorageModel model)
    {
        var kind = ModelKind(history, random.Next(2));
        var id = ModelIds[random.Next(ModelIds.Length)];
        var version = random.Next(4) == 0 ? random.Next(4) : model.Find(kind, id)?.Version ?? 1;
        var choice = random.Next(14);
        if (choice == 0)
        {
            return new DeleteIndexedOperation(ModelIndex(history, "").Name, ModelValues[random.Next(ModelValues.Length)]);
        }

        if (choice <= 2)
        {
            return choice == 1 ? new DeleteOperation(kind, id, version) : new RequireOperation(kind, id, version);
        }

        DateTimeOffset? expiresAt = random.Next(3) == 0 ? Clock.GetUtcNow().AddSeconds(random.Next(60)) : null;
        var keys = ModelValues.Where(_ => random.Next(5) == 0).Select(Name)
            .Concat(ModelValues.Where(_ => random.Next(3) == 0).Select(value => ModelIndex(history, value)));
        var row = Row(id, $"{random.Next()}", version, expiresAt, kind, [.. keys]);
        return choice switch
        {
            <= 5 => new InsertOperation(row),
            <= 8 => new ReplaceOperation(row),
            9 => new RewriteOperation(row),
            10 => new UpdateOperation(row),
            _ => new PutOperation(row),
        };
    }
}
