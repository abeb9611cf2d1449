using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Commands;

/// <summary>The server and the client that the command line or the environment names.</summary>
/// <param name="ClientId">Null: nobody said.</param>
/// <param name="Secret">Null: nobody gave one.</param>
/// <param name="Authority">PEM text; null: this machine's.</param>
internal sealed record ServerIdentity(string Issuer, string? ClientId, string? Secret, string? Authority)
{
    /// <summary>Null when nothing names a server.</summary>
    public static ServerIdentity? Of(Invocation run)
    {
        if (run.Get(ServerOptions.Bootstrap) is { } bootstrap)
        {
            return OfBootstrap(bootstrap, run.AuthorityText());
        }

        if (run.Domain is not { } domain)
        {
            return null;
        }

        var secret = run.ClientId is null ? null
            : run.Get(ServerOptions.ClientSecretStdin) ? InputFile.ReadLine(run.Surroundings.In, "client secret")
            : run.Get(ServerOptions.ClientSecretFile) is { } file ? InputFile.ReadSecret(file, "client secret")
            : run.Surroundings["TOKENVAULT_CLIENT_SECRET"];
        return new ServerIdentity(ServerAddress.Parse(domain), run.ClientId, secret, run.AuthorityText());
    }

    private static ServerIdentity OfBootstrap(string path, string? authority)
    {
        try
        {
            var json = JsonNode.Parse(InputFile.Read(path, "bootstrap"));
            return new ServerIdentity(
                ServerAddress.Parse((string)json!["issuer"]!),
                (string)json["client_id"]!,
                (string)json["client_secret"]!,
                authority ?? (string?)json["ca_certificate"]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentNullException or NullReferenceException)
        {
            throw new ToolException(ExitCode.Usage, $"{path} is no bootstrap.json of a server.");
        }
    }
}
