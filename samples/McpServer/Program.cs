using TokenVault.Samples.McpServer;

var app = CalendarServer.Build(args);
app.Urls.Add(app.Services.GetRequiredService<SampleSettings>().Origin);
await app.RunAsync();
