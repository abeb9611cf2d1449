using System.Buffers.Binary;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Hashes that were made when the operator wanted fewer iterations.</summary>
public sealed class PasswordStrengthTests : IAsyncLifetime
{
    private const int Before = 10_000;
    private const int Now = 12_000;

    private readonly OAuthVault _vault = new() { Settings = new Dictionary<string, string?> { ["TokenVault:Passwords:Iterations"] = $"{Now}" } };

    public Task InitializeAsync() => _vault.InitializeAsync();

    public Task DisposeAsync() => _vault.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hash_becomes_as_strong_as_the_operator_wants_at_the_next_sign_in(bool linked)
    {
        var user = await FindAsync();
        IterationsOf(HashOf(user)).ShouldBe(Now);
        user = linked
            ? user with { Email = "other@example.com", PasswordHash = null, Linked = [user.Main() with { PasswordHash = Weak() }] }
            : user with { PasswordHash = Weak() };
        (await _vault.Server.Storage.CommitAsync(new Batch().Replace(user))).Committed.ShouldBeTrue();
        var stored = await FindAsync();

        using var guesser = _vault.Server.NewBrowser();
        var page = await guesser.GoAsync(_vault.AuthorizeUrl(_vault.Web));
        var form = new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = "a wrong password" };
        (await guesser.SubmitAsync(page, form, Operator.Callback)).Status.ShouldBe(401);
        HashOf(await FindAsync()).ShouldBe(HashOf(stored), "whoever guesses changes nothing");

        using (await _vault.SignedInBrowserAsync(OAuthVault.Email))
        {
        }

        var renewed = await FindAsync();
        IterationsOf(HashOf(renewed)).ShouldBe(Now);
        (renewed.Version, renewed.UpdatedAt).ShouldBe((stored.Version, stored.UpdatedAt), "nothing was changed that anybody could see");

        using (await _vault.SignedInBrowserAsync(OAuthVault.Email))
        {
        }

        HashOf(await FindAsync()).ShouldBe(HashOf(renewed));
    }

    private async Task<User> FindAsync() => (await _vault.Server.Storage.FindAsync<User>(_vault.UserId, default)).ShouldNotBeNull();

    private static string HashOf(User user) => user.PasswordHashFor(OAuthVault.Email).ShouldNotBeNull();

    private static string Weak() =>
        new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = Before })).HashPassword(new object(), OAuthVault.Password);

    /// <summary>Of Identity's format: a byte for the version, four for the algorithm, then the count.</summary>
    private static int IterationsOf(string hash) => BinaryPrimitives.ReadInt32BigEndian(Convert.FromBase64String(hash).AsSpan(5));
}
