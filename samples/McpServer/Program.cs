using TokenVault.Samples.McpServer;

await CalendarServer.Build(args).RunAsync();
