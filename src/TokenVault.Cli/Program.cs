using TokenVault.Cli;
using TokenVault.Cli.Commands;

return await ToolCommand.RunAsync(args, Surroundings.OfProcess());
