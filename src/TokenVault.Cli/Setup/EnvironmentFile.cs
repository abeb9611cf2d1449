using System.Text;
using TokenVault.Cli.Profiles;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>What an application needs to know, as <c>NAME='value'</c> lines for a shell and for dotenv libraries, in a file of mode 0600.</summary>
internal sealed class EnvironmentFile
{
    public const string Issuer = "TOKEN_VAULT_ISSUER";
    public const string Domain = "TOKEN_VAULT_DOMAIN";
    public const string Authority = "TOKEN_VAULT_CA";
    public const string ClientId = "TOKEN_VAULT_CLIENT_ID";
    public const string ClientSecret = "TOKEN_VAULT_CLIENT_SECRET";
    public const string Connection = "TOKEN_VAULT_CONNECTION";
    public const string Audience = "TOKEN_VAULT_API_AUDIENCE";
    public const string ApiClientId = "TOKEN_VAULT_API_CLIENT_ID";
    public const string ApiClientSecret = "TOKEN_VAULT_API_CLIENT_SECRET";
    public const string AuthenticationKey = "TOKEN_VAULT_AUTHENTICATION_KEY";
    public const string SubjectKey = "TOKEN_VAULT_SUBJECT_KEY";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private string _written = "";

    public EnvironmentFile(string folder)
    {
        Location = Path.Combine(folder, ".env");
        if (!File.Exists(Location))
        {
            return;
        }

        _written = PrivateFile.Read(Location);
        foreach (var line in _written.Split('\n').Where(line => line.Contains('=') && !line.StartsWith('#')))
        {
            var (name, value) = (line[..line.IndexOf('=')], line[(line.IndexOf('=') + 1)..]);
            _values[name.Trim()] = Unquoted(value.Trim());
        }
    }

    public string Location { get; }

    public string? this[string name]
    {
        get => _values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
        set => _values[name] = value ?? "";
    }

    /// <summary>A client, and its secret where that is known now. A secret of another client goes.</summary>
    public void SetClient(string idName, string secretName, string id, string? secret)
    {
        if (this[idName] != id)
        {
            this[secretName] = null;
        }

        this[idName] = id;
        this[secretName] = secret ?? this[secretName];
    }

    public void Save()
    {
        // It would be a line of its own to those who read line by line (T-CL-03).
        if (_values.FirstOrDefault(value => value.Value.Any(char.IsControl)).Key is { } broken)
        {
            throw new ToolException(ExitCode.Failed, $"What was to be kept as {broken} is no text of one line.", "The server gave it so: that is no Token Vault.");
        }

        var text = new StringBuilder("# Made by tokenvault setup. It holds secrets: keep it out of version control.\n");
        foreach (var (name, value) in _values)
        {
            text.Append(name).Append('=').Append(ShellText.Quoted(value)).Append('\n');
        }

        if (text.ToString() == _written)
        {
            return;
        }

        _written = text.ToString();
        PrivateFile.Write(Location, _written);
    }

    private static string Unquoted(string value) =>
        value.Length >= 2 && value[0] == '\'' && value[^1] == '\'' ? value[1..^1].Replace("'\\''", "'", StringComparison.Ordinal) : value;
}
