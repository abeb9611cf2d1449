using System.CommandLine;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Commands;

/// <summary>What is wrong with a command line. What stands after an option that there is not may be a secret, and is not repeated (T-CL-01).</summary>
internal static class Misuse
{
    public static IEnumerable<string> Of(ParseResult parsed)
    {
        var unknown = parsed.UnmatchedTokens.FirstOrDefault(token => token.StartsWith('-'));
        if (unknown is null)
        {
            return parsed.Errors.Select(error => error.Message);
        }

        var option = unknown.Split('=', ':')[0];
        return Redactor.IsSecret(option.TrimStart('-').Replace('-', '_'))
            ? [$"Unrecognized option {option}. Secrets are never arguments, which everybody can see: they come from files, standard input or the environment."]
            : [$"Unrecognized option {option}."];
    }
}
