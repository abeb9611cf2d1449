using System.Security.Cryptography;
using System.Text;
using TokenVault.Server;
using TokenVault.Server.Keys;

namespace TokenVault.Tests.Keys;

/// <summary>T-EN-05: which root key files are taken.</summary>
public sealed class RootKeyFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-root-");

    private string Name => Path.Combine(_directory.FullName, "root.key");

    [Fact]
    public void T_EN_05_a_made_key_loads_again_under_the_same_name()
    {
        var made = FileRootKey.Create(Name);
        var key = Convert.FromBase64String(File.ReadAllText(Name));

        made.Id.ShouldBe("root_" + Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8)));
        FileRootKey.Load(Name).Id.ShouldBe(made.Id);
        _directory.GetFiles().Length.ShouldBe(1);
    }

    [Fact]
    public void T_EN_05_a_key_that_is_there_is_never_replaced()
    {
        var made = FileRootKey.Create(Name);

        Should.Throw<StartupException>(() => FileRootKey.Create(Name));

        FileRootKey.Load(Name).Id.ShouldBe(made.Id);
        _directory.GetFiles().Length.ShouldBe(1);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void T_EN_05_a_file_that_is_open_to_others_is_refused(UnixFileMode more)
    {
        FileRootKey.Create(Name);
        Allow(PrivateFile.OwnerReads | more);

        Should.Throw<StartupException>(() => FileRootKey.Load(Name)).Message.ShouldContain("chmod 400");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("not base64 at all!!")]
    [InlineData("AAAA")]
    [InlineData("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=AAAA")]
    public void T_EN_05_what_is_not_32_bytes_in_base64_is_refused(string content) => Refused(content).ShouldContain("32 bytes");

    [Theory]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(700)]
    public void T_EN_05_a_key_of_another_length_is_refused(int size) =>
        Refused(Convert.ToBase64String(RandomNumberGenerator.GetBytes(size))).ShouldContain("32 bytes");

    [Fact]
    public void T_EN_05_zeros_and_sample_keys_are_refused()
    {
        byte[][] samples =
        [
            new byte[32],
            [.. Enumerable.Repeat((byte)0xFF, 32)],
            [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
            [.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))],
            "0123456789abcdef0123456789abcdef"u8.ToArray(),
            "changemechangemechangemechangeme"u8.ToArray(),
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"u8.ToArray(),
        ];

        samples.Select(s => Refused(Convert.ToBase64String(s))).ShouldAllBe(m => m.Contains("not random", StringComparison.Ordinal));
    }

    [Fact]
    public void T_EN_05_random_keys_are_taken_with_and_without_a_newline()
    {
        for (var i = 0; i < 1000; i++)
        {
            Write(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + (i % 2 == 0 ? "\n" : ""));
            FileRootKey.Load(Name).Id.Length.ShouldBe(21);
        }
    }

    [Fact]
    public void T_EN_05_a_refusal_never_tells_the_content()
    {
        var almost = Convert.ToBase64String(RandomNumberGenerator.GetBytes(31));

        Refused(almost).ShouldNotContain(almost[..8]);
    }

    [Fact]
    public void What_cannot_be_read_is_refused()
    {
        Directory.CreateDirectory(Name);

        Should.Throw<StartupException>(() => FileRootKey.Load(Name)).Message.ShouldContain(Name);
        Should.Throw<StartupException>(() => FileRootKey.Load(Name + ".absent")).Message.ShouldContain("absent");
    }

    [Fact]
    public void A_wrapped_key_opens_under_the_same_root_and_identity_alone()
    {
        var root = FileRootKey.Create(Name);
        var other = FileRootKey.Create(Name + ".2");
        var key = RandomNumberGenerator.GetBytes(32);
        var wrapped = root.Wrap(key, Aad.For("vault-key", "vk_1"));

        root.Unwrap(wrapped, Aad.For("vault-key", "vk_1")).ShouldBe(key);
        Should.Throw<BrokenSealException>(() => root.Unwrap(wrapped, Aad.For("vault-key", "vk_2"))).Purpose.ShouldBe("vault-key");
        Should.Throw<BrokenSealException>(() => other.Unwrap(wrapped, Aad.For("vault-key", "vk_1")));
        Should.Throw<BrokenSealException>(() => root.Unwrap([], Aad.For("vault-key", "vk_1")));
        for (var i = 0; i < wrapped.Length; i++)
        {
            byte[] changed = [.. wrapped];
            changed[i] ^= 1;
            Should.Throw<BrokenSealException>(() => root.Unwrap(changed, Aad.For("vault-key", "vk_1")));
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private string Refused(string content)
    {
        Write(content);
        return Should.Throw<StartupException>(() => FileRootKey.Load(Name)).Message;
    }

    private void Write(string content) =>
        PrivateFile.Write(Name, Encoding.ASCII.GetBytes(content), PrivateFile.OwnerReads, replace: true);

    private void Allow(UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Name, mode);
        }
    }
}
