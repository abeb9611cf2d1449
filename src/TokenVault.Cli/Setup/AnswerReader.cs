using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;

namespace TokenVault.Cli.Setup;

/// <summary>Puts the answers together: from the flags, and from the person what these leave open.</summary>
internal sealed class AnswerReader(Invocation run, ManagementApi api, IAnswers person)
{
    private const string Any = "any";
    private const string None = "none";

    public async Task<SetupAnswers> ReadAsync(CancellationToken cancellationToken)
    {
        var flavor = ReadFlavor();
        var id = await ReadApplicationIdAsync(cancellationToken);
        var name = id is null ? run.Get(SetupOptions.ApplicationName) ?? person.Text("Name of the application:", SetupOptions.ApplicationName.Name) : null;
        var type = id is null ? ReadType(flavor) : "regular_web";
        var connections = await ReadConnectionsAsync(cancellationToken);
        var created = ReadNewConnection();
        var answers = new SetupAnswers
        {
            Flavor = flavor,
            ApplicationId = id,
            ApplicationName = name,
            ApplicationType = type,
            Callbacks = id is null && type == "regular_web"
                ? List(run.Get(SetupOptions.Callbacks) ?? person.Text("Allowed callback URLs, separated by commas:", SetupOptions.Callbacks.Name, "http://localhost:3000/auth/callback"))
                : List(run.Get(SetupOptions.Callbacks)),
            LogoutUrls = id is null && type == "regular_web"
                ? List(run.Get(SetupOptions.LogoutUrls) ?? person.Text("Allowed logout URLs, separated by commas:", SetupOptions.LogoutUrls.Name, "http://localhost:3000"))
                : List(run.Get(SetupOptions.LogoutUrls)),
            Connections = connections,
            NewConnection = created,
            Api = flavor == Flavor.AccessTokenExchange ? ReadApi(name ?? id!) : null,
            Worker = flavor == Flavor.PrivilegedWorker ? ReadWorker(isNew: id is null) : new WorkerAnswers(),
            RotateSecret = run.Get(SetupOptions.RotateSecret),
            Folder = run.Get(SetupOptions.Folder) ?? "tokenvault-" + Slug(name ?? id!),
        };
        return answers;
    }

    private Flavor ReadFlavor() => run.Get(SetupOptions.Flavor) is not { } name ? person.Flavor()
        : Flavors.ByName.TryGetValue(name, out var flavor) ? flavor
        : throw Wrong(SetupOptions.Flavor.Name, name, string.Join(", ", Flavors.ByName.Keys));

    private async Task<string?> ReadApplicationIdAsync(CancellationToken cancellationToken)
    {
        var id = run.Get(SetupOptions.ApplicationId);
        switch (run.Get(SetupOptions.ApplicationSetup))
        {
            case null when id is null && run.Get(SetupOptions.ApplicationName) is null:
                return await person.ApplicationAsync(api, cancellationToken);
            case null:
                return id;
            case "new":
                return null;
            case "existing":
                return id ?? person.Text("Client id of the application:", SetupOptions.ApplicationId.Name);
            case { } other:
                throw Wrong(SetupOptions.ApplicationSetup.Name, other, "new, existing");
        }
    }

    private string ReadType(Flavor flavor)
    {
        var type = run.Get(SetupOptions.ApplicationType) ?? (flavor == Flavor.PrivilegedWorker ? "m2m" : null) ?? person.Choose(
            "Type of the application:", SetupOptions.ApplicationType.Name,
            [("regular", "Regular web application: users sign in"), ("m2m", "Machine to machine: a backend service or worker")]);
        return type switch
        {
            "regular" => "regular_web",
            "m2m" => "non_interactive",
            _ => throw Wrong(SetupOptions.ApplicationType.Name, type, "regular, m2m"),
        };
    }

    private async Task<IReadOnlyList<string>> ReadConnectionsAsync(CancellationToken cancellationToken) => run.Get(SetupOptions.Connections) switch
    {
        None => [],
        { } names => List(names),
        null when run.Has(SetupOptions.NewStrategy) => [],
        null => await person.ConnectionsAsync(api, cancellationToken),
    };

    private NewConnection? ReadNewConnection()
    {
        if ((run.Get(SetupOptions.NewStrategy) ?? (run.Has(SetupOptions.Connections) ? null : person.NewConnection())) is not { } strategy)
        {
            return null;
        }

        var name = run.Get(SetupOptions.NewName) ?? person.Text("Name of the connection:", SetupOptions.NewName.Name, strategy);
        person.Tell($"Register this redirect URI at the provider: {new NewConnection(name, strategy, "", "").RedirectUri(api.Issuer)}");
        var options = Pairs(run.Get(SetupOptions.NewOptions), SetupOptions.NewOptions.Name);
        foreach (var option in Required(strategy).Where(option => !options.ContainsKey(option)))
        {
            options[option] = person.Text($"{option}:", $"{SetupOptions.NewOptions.Name} {option}=…");
        }

        return new NewConnection(
            name,
            strategy,
            run.Get(SetupOptions.NewClientId) ?? person.Text("Client id at the provider:", SetupOptions.NewClientId.Name),
            ReadNewSecret())
        {
            Scopes = List(run.Get(SetupOptions.NewScopes) ?? person.Text("Scopes to ask for, separated by commas (empty for the provider's default):", SetupOptions.NewScopes.Name, "")),
            Options = options,
        };
    }

    private string ReadNewSecret() =>
        run.Get(SetupOptions.NewClientSecretFile) is { } file ? InputFile.ReadSecret(file, "connection's client secret")
        : run.Surroundings["TOKENVAULT_CONNECTION_CLIENT_SECRET"]
        ?? person.Secret("Client secret at the provider:", SetupOptions.NewClientSecretFile.Name);

    private static string[] Required(string strategy) => strategy switch
    {
        "oidc" => ["discovery_url"],
        "oauth2" => ["authorizationURL", "tokenURL"],
        _ => [],
    };

    private ApiAnswers? ReadApi(string application)
    {
        var wanted = run.Get(SetupOptions.CreateApiClient)
            ?? (run.Has(SetupOptions.CreateApiClient) || run.Has(SetupOptions.ApiIdentifier)
                || person.Confirm("Make the API and the client by which it exchanges tokens?", SetupOptions.CreateApiClient.Name, offered: true));
        return !wanted ? null : new ApiAnswers(
            run.Get(SetupOptions.ApiIdentifier) ?? person.Text("Identifier of the API, as in https://api.example.com:", SetupOptions.ApiIdentifier.Name),
            run.Get(SetupOptions.ApiClientName) ?? person.Text("Name of the API's client:", SetupOptions.ApiClientName.Name, $"{application} API Client"));
    }

    private WorkerAnswers ReadWorker(bool isNew)
    {
        var allowlist = run.Get(SetupOptions.IpAllowlist)
            ?? (isNew ? person.Text("Addresses or networks that it may call from, separated by commas, or any:", SetupOptions.IpAllowlist.Name, "") : null);
        return new WorkerAnswers
        {
            IpAllowlist = string.IsNullOrEmpty(allowlist) ? null : allowlist == Any ? [] : List(allowlist),
            Grants = Pairs(run.Get(SetupOptions.Grants), SetupOptions.Grants.Name).ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)List(pair.Value), StringComparer.Ordinal),
            UsersPerHour = run.Get(SetupOptions.UsersPerHour),
            AuthenticatesByKey = run.Get(SetupOptions.ConfigurePrivateKeyJwt)
                ?? (run.Has(SetupOptions.ConfigurePrivateKeyJwt)
                    || person.Confirm("Authenticate the worker by a key instead of a secret?", SetupOptions.ConfigurePrivateKeyJwt.Name, offered: true)),
        };
    }

    private static Dictionary<string, string> Pairs(IEnumerable<string>? texts, string option)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw Wrong(option, text, "name=value");
            }

            // A secret among the arguments would be in the shell's history and in the list of processes (T-CL-01).
            if (Redactor.IsSecret(text[..equals]))
            {
                throw new ToolException(ExitCode.Usage, $"{text[..equals]} cannot be given as an argument, which everybody can see.", $"Use {SetupOptions.NewClientSecretFile.Name}.");
            }

            pairs[text[..equals]] = text[(equals + 1)..];
        }

        return pairs;
    }

    private static List<string> List(string? text) =>
        (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal).ToList();

    private static string Slug(string name)
    {
        var letters = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-')).Trim('-');
        return letters.Length > 0 ? letters : "application";
    }

    private static ToolException Wrong(string option, string value, string expected) =>
        new(ExitCode.Usage, $"{option} cannot be {value}.", "Expected: " + expected);
}
