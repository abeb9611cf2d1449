using TokenVault.Server;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests;

/// <summary>Processes that tests start, to kill them. The tests themselves are run by the test host, not from here.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is [CrashWriter.Verb, var file, var run])
        {
            return await CrashWriter.RunAsync(file, run);
        }

        if (args is ["keys", .. var verb])
        {
            return await KeysCommand.RunAsync(verb, Console.Out);
        }

        if (args is [PostgresHost.Verb])
        {
            return await PostgresHost.RunAsync();
        }

        await Console.Error.WriteLineAsync("Run the tests with: dotnet test");
        return 1;
    }
}
