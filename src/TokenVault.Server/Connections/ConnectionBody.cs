using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>What a body may say about a connection, laid over the connection there is.</summary>
internal static class ConnectionBody
{
    private const int MostApprovalScopes = 100;

    /// <summary>Three days, in seconds.</summary>
    private const int LongestApproval = 259_200;

    /// <param name="seal">Seals a client secret to this connection.</param>
    public static Connection Read(BodyReader body, Connection current, ProviderCatalog catalog, string issuer, Func<string, byte[]> seal)
    {
        var named = current.Version == 0 ? ReadNew(body, current, catalog) : ReadEchoes(body, current, issuer);
        body.Fixed("is_domain_connection", "false");
        var (options, alias) = body.Nested(
            "options", (named.Options, default(bool?)), (new ConnectionOptions(), null), nested =>
                ConnectionOptionsBody.Read(nested, named, catalog.Find(named.Strategy), seal));

        // The documented place goes before the one inside the options.
        var (active, approval) = body.Nested("connected_accounts", (alias ?? named.ConnectedAccountsActive, named.Approval), (false, null), nested =>
            (ReadConnectedAccounts(nested, named.ConnectedAccountsActive), ReadApproval(nested, named.Approval)));
        var connection = named with
        {
            DisplayName = body.Text("display_name", named.DisplayName, 128),
            ShowAsButton = body.Flag("show_as_button", named.ShowAsButton, fallback: true),
            Metadata = body.Free("metadata", named.Metadata, WireJson.MetadataProblem),
            Options = options,
            AuthenticationActive = body.Nested("authentication", named.AuthenticationActive, true, nested =>
                nested.Flag("active", current: true, fallback: true)),
            ConnectedAccountsActive = active,
            Approval = approval,
            EnabledClients = body.Texts("enabled_clients", named.EnabledClients, 10_000),
        };
        Check(body, connection, catalog);
        return connection;
    }

    /// <summary>Why the connection's provider cannot be shown an assertion: its audience must be known for certain (T-UP-05).</summary>
    public static string? AssertionProblem(Connection connection, ProviderCatalog catalog)
    {
        var provider = catalog.Find(connection.Strategy);
        var issuer = connection.Options.Issuer ?? (connection.Options.DiscoveryUrl is null ? provider?.Issuer : null);
        var known = issuer is not null || (provider is { OpenIdConnect: true } && connection.Options.DiscoveryUrl is not null);
        var certain = known && provider!.IssuerClaim is null;
        return certain && !connection.IsDatabase ? null : "private_key_jwt needs a provider with an issuer of its own: name it as the options' issuer";
    }

    /// <param name="current">What holds when the body does not say.</param>
    public static bool ReadConnectedAccounts(BodyReader body, bool current)
    {
        body.Fixed("cross_app_access", "false");
        body.Fixed("allow_missing_user_id", "false");
        return body.Flag("active", current, fallback: false);
    }

    /// <summary>A tool that does not know the member leaves it out, and must not take the rule away by that.</summary>
    private static ConnectionApproval? ReadApproval(BodyReader body, ConnectionApproval? current) => body.Nested("approval", current, null, nested =>
    {
        var approval = new ConnectionApproval
        {
            Required = nested.Flag("required", current: false, fallback: false),
            Scopes = nested.Texts("scopes", [], MostApprovalScopes, scope => Scope.IsToken(scope) ? null : $"Not a scope: {OAuthError.Shown(scope)}"),
            ValidFor = nested.Number("valid_for", 0, 0, 0, LongestApproval),
            ExpiresIn = nested.Number("expires_in", ConnectionApproval.DefaultExpiry, ConnectionApproval.DefaultExpiry, 1, LongestApproval),
        };
        if (!approval.Required && approval.Scopes.Count == 0)
        {
            nested.Refuse("An approval is required, or has scopes", "required");
        }

        return approval;
    });

    private static Connection ReadNew(BodyReader body, Connection current, ProviderCatalog catalog)
    {
        var strategy = body.RequiredText("strategy", "", 64);
        if (!body.Failing && catalog.Find(strategy) is null)
        {
            body.Refuse($"No enum match for: {OAuthError.Shown(strategy)}", "strategy");
        }

        var name = body.RequiredText("name", "", 128, NameProblem);
        body.EchoOnly("realms", name);
        return current with { Name = name, Strategy = strategy };
    }

    /// <summary>The setup tool sends back what it read: what cannot be changed may be there, unchanged.</summary>
    private static Connection ReadEchoes(BodyReader body, Connection current, string issuer)
    {
        body.Echo("id", current.Id);
        body.Echo("name", current.Name);
        body.Echo("strategy", current.Strategy);
        body.Echo("callback_url", current.CallbackUrl(issuer));
        body.EchoOnly("realms", current.Name);
        return current;
    }

    private static void Check(BodyReader body, Connection connection, ProviderCatalog catalog)
    {
        if (connection.IsDatabase)
        {
            if (connection.ConnectedAccountsActive)
            {
                body.Refuse("The connection of local users has no accounts to connect", "connected_accounts");
            }

            return;
        }

        if (catalog.Find(connection.Strategy) is not { } provider)
        {
            return;
        }

        var options = connection.Options;
        foreach (var variable in provider.Variables.Where(v => v.Default is null && options.Variables?.ContainsKey(v.Name) is not true))
        {
            body.Refuse($"Missing required property: {variable.Name}", "options");
        }

        if (options.TokenEndpointAuthMethod == ConnectionKeys.Method && AssertionProblem(connection, catalog) is { } problem)
        {
            body.Refuse(problem, "token_endpoint_auth_method");
        }

        if (!provider.Custom)
        {
            return;
        }

        if (provider.OpenIdConnect && options is { DiscoveryUrl: null, Issuer: null })
        {
            body.Refuse("Missing required property: discovery_url", "options");
        }

        if (!provider.OpenIdConnect && options.AuthorizationUrl is null)
        {
            body.Refuse("Missing required property: authorizationURL", "options");
        }

        if (!provider.OpenIdConnect && options.TokenUrl is null)
        {
            body.Refuse("Missing required property: tokenURL", "options");
        }
    }

    /// <summary>The name is part of the redirect URI at the provider.</summary>
    private static string? NameProblem(string name)
    {
        var wellFormed = name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            && char.IsAsciiLetterOrDigit(name[0])
            && char.IsAsciiLetterOrDigit(name[^1]);
        return wellFormed ? null : "A name holds letters and digits, with '-' and '_' between them";
    }
}
