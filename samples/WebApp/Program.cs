using System.Security.Cryptography.X509Certificates;
using TokenVault.Client;
using TokenVault.Client.AspNetCore;
using WebApp;

var builder = WebApplication.CreateBuilder(args);
string Setting(string name) => builder.Configuration[name] ?? throw new InvalidOperationException($"{name} is not set: see README.md.");

builder.Services.AddTokenVault(options =>
{
    options.Issuer = Setting("TOKENVAULT_ISSUER");
    options.ClientId = Setting("TOKENVAULT_CLIENT_ID");
    options.ClientSecret = Setting("TOKENVAULT_CLIENT_SECRET");
    options.TrustedAuthority = builder.Configuration["TOKENVAULT_CA_FILE"] is { } file ? X509CertificateLoader.LoadCertificateFromFile(file) : null;
});

// Sign-in, and whose tokens are asked for: those of whoever is signed in.
builder.Services.AddTokenVaultSignIn();
builder.Services.AddTokenVaultConnect(options => options.AllowScopes = (_, scopes) => scopes.Count == 0);

// Each of its requests carries a token of the current user.
builder.Services.AddHttpClient<Calendar>(http => http.BaseAddress = new Uri(Setting("CALENDAR_URL")))
    .AddTokenVaultConnection(Setting("TOKENVAULT_CONNECTION"), "calendar.read");

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/", () => Pages.Html("Calendar", "<p><a href=\"/calendar\">What is on?</a></p>"));
app.MapGet("/calendar", CalendarPage.ShowAsync).RequireAuthorization();
app.MapTokenVaultConnect();
app.Urls.Add(Setting("WEBAPP_URL"));
await app.RunAsync();
