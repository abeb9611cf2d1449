using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Who may complete what a user has begun: that user, at that client, once, while signed in; and in no other of the sixteen cases.</summary>
public sealed class CompletionMatrixTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<bool, bool, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, bool, bool>();
            for (var i = 0; i < 16; i++)
            {
                cases.Add((i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task T_CF_09_Only_who_began_completes_where_they_began_once_and_while_signed_in(bool otherUser, bool otherClient, bool twice, bool signedOut)
    {
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Another application");
        var connection = $"matrix-{otherUser}-{otherClient}-{twice}-{signedOut}".ToLowerInvariant();
        await scene.AddConnectionAsync(connection, more: credentials);
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new JsonObject { ["connection"] = connection });
        var complete = begun.CompleteBody((await user.Browser.GoAsync(begun.Link, Operator.Callback))["connect_code"]);
        var caller = otherUser ? await scene.NewUserAsync() : user;
        if (otherClient)
        {
            var elsewhere = new Application(scene.Vault.Api, credentials);
            caller = new TestUser(scene, elsewhere, caller.Id, caller.Email, caller.Password, scene.Vault.NewBrowser());
            await caller.SignInAsync();
        }

        var token = await caller.MyTokenAsync();
        if (twice)
        {
            (await scene.App.CompleteAsync(begun.Token, (JsonObject)complete.DeepClone())).Status.ShouldBe(201);
        }

        if (signedOut)
        {
            await user.Browser.GoAsync(scene.Vault.Issuer + "v2/logout");
        }

        var answer = await caller.Application.CompleteAsync(token, complete);

        if (otherUser || otherClient || twice || signedOut)
        {
            VaultScene.Problem(answer, 400);
        }
        else
        {
            answer.Status.ShouldBe(201, answer.Text);
        }

        // Nobody but the user who began has an account there, whoever asked.
        var connected = otherUser ? await caller.ExchangeAsync(connection) : null;
        connected?["reason"].ShouldBe("not_connected");
    }
}
