using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Tests.Keys;

/// <summary>What a seal withstands.</summary>
public sealed class EnvelopeTests
{
    private const int WrappedAt = 10;
    private const int NonceAt = 66;

    private static readonly string[] Row = ["tenant", "auth0|1", "con_1", "fct_1", "grant_1", "7"];

    private readonly KeyRing _ring = Ring(NewKek(1));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2048)]
    [InlineData(100_000)]
    public void What_was_sealed_opens_and_is_not_to_be_seen_in_the_blob(int size)
    {
        var plaintext = RandomNumberGenerator.GetBytes(size);
        var blob = _ring.Seal(plaintext, Aad.For("tokenset", Row));

        blob.Length.ShouldBe(size + Envelope.Overhead);
        _ring.Open(blob, Aad.For("tokenset", Row)).ShouldBe(plaintext);
        if (size > 16)
        {
            blob.AsSpan().IndexOf(plaintext.AsSpan(0, 16)).ShouldBe(-1);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("ya29.token")]
    [InlineData("ß€😀")]
    public void A_secret_text_opens_as_a_secret(string text)
    {
        var aad = Aad.For("connection-secret", "con_1");
        var long_ = new string('x', 5000) + text;

        _ring.OpenText(_ring.SealText(new Secret(text), aad), aad).Reveal().ShouldBe(text);
        _ring.OpenText(_ring.SealText(new Secret(long_), aad), aad).Reveal().ShouldBe(long_);
    }

    [Fact]
    public void T_EN_02_a_blob_moved_to_another_row_does_not_open()
    {
        var blob = _ring.Seal("token"u8, Aad.For("tokenset", Row));

        for (var i = 0; i < Row.Length; i++)
        {
            string[] other = [.. Row];
            other[i] += "0";
            Broken(blob, Aad.For("tokenset", other));
        }

        Broken(blob, Aad.For("receipt", Row));
        Broken(blob, Aad.For("tokenset", [.. Row, ""]));
        Broken(blob, Aad.For("tokenset", Row.AsSpan(0, Row.Length - 1)));
        Broken(blob, []);
    }

    [Fact]
    public void T_EN_02_parts_of_an_identity_do_not_run_into_each_other()
    {
        var blob = _ring.Seal("token"u8, Aad.For("tokenset", "ab", "c"));

        Broken(blob, Aad.For("tokenset", "a", "bc"));
        Broken(blob, Aad.For("tokenset", "abc", ""));
        Broken(blob, Aad.For("tokenset", "abc"));
        Broken(blob, Aad.For("tokensetab", "c"));
    }

    [Fact]
    public void T_EN_03_a_blob_with_any_byte_changed_or_missing_does_not_open_and_does_not_say_why()
    {
        var aad = Aad.For("tokenset", Row);
        var blob = _ring.Seal("a token of forty characters or nearly so"u8, aad);
        var messages = new HashSet<string>();

        for (var i = 0; i < blob.Length; i++)
        {
            foreach (var flip in new byte[] { 0x01, 0x80, 0xFF })
            {
                byte[] changed = [.. blob];
                changed[i] ^= flip;
                messages.Add(Broken(changed, aad));
            }

            messages.Add(Broken(blob[..i], aad));
        }

        messages.Add(Broken([.. blob, 0], aad));
        messages.Add(Broken([0, .. blob], aad));
        messages.Count.ShouldBe(1);
        messages.Single().ShouldContain("tokenset");
    }

    [Fact]
    public void T_EN_03_parts_of_two_blobs_of_one_row_do_not_go_together()
    {
        var aad = Aad.For("tokenset", Row);
        var one = _ring.Seal("the first token"u8, aad);
        var two = _ring.Seal("the other token"u8, aad);

        foreach (var cut in new[] { WrappedAt + Kek.WrappedSize, NonceAt, NonceAt + 12, one.Length - 16 })
        {
            Broken([.. one[..cut], .. two[cut..]], aad);
        }
    }

    [Fact]
    public void T_EN_03_a_blob_whose_data_key_is_remembered_is_looked_at_as_closely()
    {
        var aad = Aad.For("tokenset", Row);
        var blob = _ring.Seal("a token"u8, aad);

        for (var i = 0; i < blob.Length; i++)
        {
            _ring.Open(blob, aad).ShouldBe("a token"u8.ToArray());
            byte[] changed = [.. blob];
            changed[i] ^= 1;
            Broken(changed, aad);
        }

        Broken(blob, Aad.For("tokenset", [.. Row, ""]));
        _ring.Open(blob, aad).ShouldBe("a token"u8.ToArray());
    }

    [Fact]
    public void A_data_key_is_remembered_by_all_that_it_was_unwrapped_and_compared_with()
    {
        var keys = new UnwrappedKeys();
        var name = RandomNumberGenerator.GetBytes(UnwrappedKeys.NameSize);
        var (key, found) = (RandomNumberGenerator.GetBytes(Kek.KeySize), new byte[Kek.KeySize]);
        keys.TryFind(name, found).ShouldBeFalse();
        keys.TryFind(new byte[UnwrappedKeys.NameSize], found).ShouldBeFalse();

        keys.Keep(name, key);
        keys.TryFind(name, found).ShouldBeTrue();
        found.ShouldBe(key);
        foreach (var at in new[] { 0, Kek.WrappedSize - 1, Kek.WrappedSize, UnwrappedKeys.NameSize - 1 })
        {
            byte[] other = [.. name];
            other[at] ^= 1;
            keys.TryFind(other, found).ShouldBeFalse();
        }

        // Others that share its place: it gives way in the end, and no sooner than there is no room.
        byte[][] neighbours = [.. Enumerable.Range(0, 4).Select(i => (byte[])[.. name[..4], .. RandomNumberGenerator.GetBytes(UnwrappedKeys.NameSize - 4)])];
        foreach (var neighbour in neighbours[..3])
        {
            keys.Keep(neighbour, key);
            keys.Keep(neighbour, key);
        }

        ((byte[][])[name, .. neighbours[..3]]).ShouldAllBe(one => keys.TryFind(one, found));
        keys.Keep(neighbours[3], key);
        keys.TryFind(neighbours[3], found).ShouldBeTrue();
        ((byte[][])[name, .. neighbours]).Count(one => keys.TryFind(one, found)).ShouldBe(4);
    }

    [Fact]
    public void Data_keys_beyond_those_that_are_remembered_are_unwrapped_again()
    {
        var aad = Aad.For("tokenset", Row);
        byte[][] blobs = [.. Enumerable.Range(0, 20_000).Select(i => _ring.Seal(BitConverter.GetBytes(i), aad))];

        for (var round = 0; round < 2; round++)
        {
            Parallel.For(0, blobs.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            {
                if (BitConverter.ToInt32(_ring.Open(blobs[i], aad)) != i)
                {
                    throw new InvalidOperationException("Another value's key.");
                }
            });
        }
    }

    [Fact]
    public void T_EN_04_no_data_key_is_used_twice()
    {
        const int many = 20_000;
        var wrapped = new HashSet<string>(many, StringComparer.Ordinal);
        var nonces = new HashSet<string>(many, StringComparer.Ordinal);
        var aad = Aad.For("tokenset", Row);

        for (var i = 0; i < many; i++)
        {
            var blob = _ring.Seal("token"u8, aad);
            wrapped.Add(Convert.ToBase64String(blob, WrappedAt, Kek.WrappedSize));
            nonces.Add(Convert.ToBase64String(blob, NonceAt, 12));
        }

        wrapped.Count.ShouldBe(many);
        nonces.Count.ShouldBe(many);
    }

    [Fact]
    public void T_EN_10_the_newest_key_seals_and_every_key_opens_what_names_it()
    {
        var (old, current) = (NewKek(1), NewKek(2));
        var aad = Aad.For("tokenset", Row);
        var before = Ring(old).Seal("before"u8, aad);
        var both = Ring(old, current);
        var after = both.Seal("after"u8, aad);

        both.Open(before, aad).ShouldBe("before"u8.ToArray());
        both.Open(after, aad).ShouldBe("after"u8.ToArray());
        Ring(current).Open(after, aad).ShouldBe("after"u8.ToArray());
        Should.Throw<BrokenSealException>(() => Ring(current).Open(before, aad));
    }

    [Fact]
    public void T_EN_10_a_blob_that_names_another_key_is_not_tried_with_all()
    {
        var aad = Aad.For("tokenset", Row);
        var (one, two) = (NewKek(1), NewKek(2));
        var both = Ring(one, two);
        var blob = both.Seal("token"u8, aad);
        blob[9].ShouldBe((byte)2);

        blob[9] = 1;
        Should.Throw<BrokenSealException>(() => both.Open(blob, aad));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 2)]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    public void T_EN_11_another_format_or_algorithm_is_refused(int at, byte value)
    {
        var aad = Aad.For("tokenset", Row);
        var blob = _ring.Seal("token"u8, aad);
        blob[at] = value;

        Broken(blob, aad);
    }

    [Fact]
    public void A_seal_names_its_purpose_when_it_is_broken_and_takes_any_identity()
    {
        var odd = new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 1 };

        Broken(new byte[200], Aad.For("refresh", "x")).ShouldContain("(refresh)");
        Broken(new byte[200], odd).ShouldContain("(unnamed)");
        _ring.Open(_ring.Seal("x"u8, odd), odd).ShouldBe("x"u8.ToArray());
    }

    [Fact]
    public void Sealing_from_many_threads_is_safe()
    {
        var aad = Aad.For("tokenset", Row);

        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var text = Encoding.ASCII.GetBytes($"token {i}");
            _ring.Open(_ring.Seal(text, aad), aad).ShouldBe(text);
        });
    }

    private static Kek NewKek(ulong id) => new(id, RandomNumberGenerator.GetBytes(Kek.KeySize));

    private static KeyRing Ring(params Kek[] keks) => new(keks, RandomNumberGenerator.GetBytes(32));

    private string Broken(byte[] blob, byte[] aad) => Should.Throw<BrokenSealException>(() => _ring.Open(blob, aad)).Message;
}
