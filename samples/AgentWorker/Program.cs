using System.Security.Cryptography.X509Certificates;
using AgentWorker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TokenVault.Client;

var builder = Host.CreateApplicationBuilder(args);
string Setting(string name) => builder.Configuration[name] ?? throw new InvalidOperationException($"{name} is not set: see README.md.");
SigningKey Key(string setting) => SigningKey.FromPem(File.ReadAllText(Setting(setting)));

builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddTokenVault(options =>
{
    options.Issuer = Setting("TOKENVAULT_ISSUER");
    options.ClientId = Setting("WORKER_CLIENT_ID");
    options.Authentication = ClientAuthentication.PrivateKey(Key("WORKER_KEY_FILE"));
    options.WorkerKey = Key("WORKER_SUBJECT_KEY_FILE");
    options.TrustedAuthority = builder.Configuration["TOKENVAULT_CA_FILE"] is { } file ? X509CertificateLoader.LoadCertificateFromFile(file) : null;
});
builder.Services.AddHttpClient<Calendar>(http => http.BaseAddress = new Uri(Setting("CALENDAR_URL")));
builder.Services.AddHostedService<CalendarReport>();
await builder.Build().RunAsync();
