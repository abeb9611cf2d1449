using System.Security.Cryptography.X509Certificates;
using AgentChat;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client;

static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set: see README.md.");

var services = new ServiceCollection();
services.AddSingleton(TimeProvider.System);
services.AddTokenVault(options =>
{
    options.Issuer = Setting("TOKENVAULT_ISSUER");
    options.ClientId = Setting("TOKENVAULT_CLIENT_ID");
    options.ClientSecret = Setting("TOKENVAULT_CLIENT_SECRET");
    options.TrustedAuthority = Environment.GetEnvironmentVariable("TOKENVAULT_CA_FILE") is { } file ? X509CertificateLoader.LoadCertificateFromFile(file) : null;
});

// Whoever signed in to the agent. An agent for many users takes them out of its session.
var user = new SignedIn(Setting("AGENT_USER_ID"), SubjectToken.RefreshToken(Setting("AGENT_REFRESH_TOKEN")));
services.AddSingleton(user).AddSingleton<ISubjectTokenSource>(user);
services.AddHttpClient<CalendarApi>(http => http.BaseAddress = new Uri(Setting("CALENDAR_URL")));
services.AddSingleton(new Connecting.Address(Setting("AGENT_REDIRECT_URI")));
services.AddSingleton<Connecting>();
await using var provider = services.BuildServiceProvider();

using var model = new ScriptedModel();
var chat = new Chat(model, CalendarTools.Create(provider, Setting("TOKENVAULT_CONNECTION")), provider);
Console.WriteLine("Ask \"What is on today?\" or \"Book coffee at 15:00\". An empty line ends it.");
while (Console.ReadLine() is { Length: > 0 } line)
{
    Console.WriteLine(await chat.AskAsync(line, CancellationToken.None));
}
