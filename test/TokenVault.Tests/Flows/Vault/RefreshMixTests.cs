namespace TokenVault.Tests.Flows.Vault;

/// <summary>Refreshes that run at the same time, each for callers of its own.</summary>
public sealed class RefreshMixTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const int Users = 10;
    private const int CallersOfEach = 3;
    private const int Rounds = 10;

    [Fact]
    public async Task T_RC_02_Nobody_who_waits_for_a_refresh_gets_the_token_of_another_users()
    {
        var random = new Random(1);
        var owners = new Dictionary<TestUser, string>();
        for (var i = 0; i < Users; i++)
        {
            var user = await scene.ConnectedUserAsync(person: $"person{i}");
            owners[user] = GrantOf((await user.ExchangeAsync())["access_token"]!);
        }

        owners.Values.Distinct().Count().ShouldBe(Users);
        for (var round = 0; round < Rounds; round++)
        {
            scene.EndAccessTokens();
            var callers = owners.Keys.SelectMany(user => Enumerable.Repeat(user, CallersOfEach)).ToArray();
            random.Shuffle(callers);
            var before = scene.Provider.Refresh.Calls;
            var answers = await Task.WhenAll(callers.Select(async user => (User: user, Answer: await user.ExchangeAsync())));

            answers.ShouldAllBe(given => given.Answer.Status == 200);
            answers.ShouldAllBe(given => GrantOf(given.Answer["access_token"]!) == owners[given.User]);
            (scene.Provider.Refresh.Calls - before).ShouldBe(Users);
        }
    }

    /// <summary>Whose the token is at the provider.</summary>
    private string GrantOf(string accessToken) => scene.Provider.Sandbox.Engine.CommitOf(accessToken)!.GrantId;
}
