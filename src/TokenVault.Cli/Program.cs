using TokenVault.Cli.Commands;

return await ToolCommand.RunAsync(args);
