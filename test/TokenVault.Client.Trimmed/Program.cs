using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client;
using TokenVault.Client.Agents;
using TokenVault.Client.Trimmed;

// A consumer that is published trimmed (TrimmingTests), and uses every part of the client that a trimmer could break.
static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set.");

var services = new ServiceCollection();
services.AddTokenVault(options =>
{
    options.Issuer = Setting("TOKENVAULT_ISSUER");
    options.ClientId = Setting("TOKENVAULT_CLIENT_ID");
    options.ClientSecret = Setting("TOKENVAULT_CLIENT_SECRET");
    options.TrustedAuthority = X509CertificateLoader.LoadCertificateFromFile(Setting("TOKENVAULT_CA_FILE"));
    options.DpopKey = SigningKey.Create();
});
var user = SubjectToken.RefreshToken(Setting("AGENT_REFRESH_TOKEN"));
services.AddSingleton<ISubjectTokenSource>(new Someone(user));
await using var provider = services.BuildServiceProvider();
var vault = provider.GetRequiredService<TokenVaultClient>();

Console.WriteLine("connections: " + string.Join(' ', (await vault.ListConnectionsAsync(user)).Select(connection => connection.Name)));
Console.WriteLine("accounts: " + (await vault.ListAccountsAsync(user)).Count);
var pending = await vault.ConnectAsync(user, new ConnectRequest(Setting("TOKENVAULT_CONNECTION"), Setting("AGENT_REDIRECT_URI")));
Console.WriteLine("link: " + pending.Link.IsAbsoluteUri);
var approval = await vault.RequestApprovalAsync(new ApprovalRequest(Setting("AGENT_USER_ID"), "A trimmed program"));
Console.WriteLine("approved: " + (await vault.CheckApprovalAsync(approval)).IsApproved);
try
{
    await new Tool().WithTokenVault(Setting("TOKENVAULT_CONNECTION"), "trimmed.scope").InvokeAsync(new AIFunctionArguments { Services = provider });
}
catch (TokenVaultInterrupt interrupt)
{
    List<ChatMessage> messages = [new(ChatRole.Tool, [new FunctionResultContent("call-1", interrupt.ToJson())])];
    Console.WriteLine("interrupt: " + messages.Interrupts().Single().ToJson().GetRawText());
}
