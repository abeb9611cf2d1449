namespace TokenVault.Server;

/// <summary>The verbs of <c>tokenvault-server</c>.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            switch (args.FirstOrDefault() ?? "serve")
            {
                case "serve":
                    using (Diagnostics.MemoryReturn.Start())
                    await using (var server = await TokenVaultServer.StartAsync(args[Math.Min(1, args.Length)..]))
                    {
                        await server.WaitForShutdownAsync();
                    }

                    return 0;
                case "demo":
                    return await Demo.DemoCommand.RunAsync(args[1..]);
                case "migrate":
                    return await MigrateCommand.RunAsync(args[1..], Console.Out);
                case "keys":
                    return await KeysCommand.RunAsync(args[1..], Console.Out);
                case "audit":
                    return await AuditCommand.RunAsync(args[1..], Console.Out);
                case "revoke":
                    return await RevokeCommand.RunAsync(args[1..], Console.Out);
                case "restored":
                    return await RestoredCommand.RunAsync(args[1..], Console.Out);
                default:
                    await Console.Error.WriteLineAsync("usage: tokenvault-server [serve | demo | migrate | keys | audit | revoke | restored]");
                    return 2;
            }
        }
        catch (StartupException e)
        {
            await Console.Error.WriteLineAsync("tokenvault-server: " + e.Message);
            return 1;
        }
    }
}
