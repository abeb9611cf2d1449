using TokenVault.Server.Actions;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server;

/// <summary>
/// Makes what must be there before anybody can administer anything: the server's own APIs, the local users' connection, and one machine
/// client that may use the whole Management API. All of it is one commit, so a start that dies leaves everything or nothing.
/// </summary>
internal sealed class Bootstrap(IStorage storage, KeyRing ring, AuditLog audit, TokenVaultOptions options, TimeProvider time)
{
    private const int Attempts = 8;

    /// <param name="managementScopes">The scopes that the mapped endpoints require (<c>ScopesInUse</c>).</param>
    /// <param name="caCertificate">PEM of the local certificate authority that clients must trust; null when there is none.</param>
    /// <returns>Whether this was the first start on this store.</returns>
    /// <exception cref="StartupException">The store was set up under another issuer.</exception>
    public async Task<bool> RunAsync(IEnumerable<string> managementScopes, string? caCertificate, CancellationToken cancellationToken)
    {
        var scopes = SystemApis.ManagementScopes(managementScopes);
        var file = new BootstrapFile(options.DataDirectory);
        var isFirst = await FindManagementAsync(cancellationToken) is null && await SetUpAsync(file, scopes, caCertificate, cancellationToken);
        await FinishAsync(file, cancellationToken);
        await AddScopesAsync(scopes, cancellationToken);
        await AddSettingsAsync(cancellationToken);
        await AddMcpAsync(cancellationToken);
        return isFirst;
    }

    /// <returns>False: another node was first, with the same store and issuer.</returns>
    private async Task<bool> SetUpAsync(BootstrapFile file, IReadOnlyList<ApiScope> scopes, string? caCertificate, CancellationToken cancellationToken)
    {
        if (await IsSetUpAsync(cancellationToken))
        {
            return false;
        }

        var secret = Identifier.ClientSecret();
        var client = MachineClient(secret);
        file.WritePending(options.Issuer, client.ClientId, secret, caCertificate);
        var result = await storage.CommitAsync(FirstRecords(client, scopes));
        if (result.Committed)
        {
            return true;
        }

        // Another node may have been first after all: then its client is the one, and ours is dropped with its file.
        await FinishAsync(file, cancellationToken);
        return await IsSetUpAsync(cancellationToken)
            ? false
            : throw new StartupException(
                $"The first records cannot be stored ({result.Outcome} at {result.FailedOperation}): "
                + "the store is not empty, and was not set up by this server.");
    }

    private Batch FirstRecords(Client client, IReadOnlyList<ApiScope> scopes)
    {
        var grant = new ClientGrant
        {
            Id = Identifier.ClientGrant(),
            ClientId = client.ClientId,
            Audience = SystemApis.ManagementAudience(options.Issuer),
            Scope = [.. scopes.Select(scope => scope.Value)],
        };
        return new Batch()
            .Insert(SystemApis.Management(options.Issuer, scopes))
            .Insert(SystemApis.MyAccount(options.Issuer))
            .Insert(Database())
            .Insert(client)
            .Insert(grant)
            .Append(audit.Row(new AuditEvent { Type = AuditType.ManagementWrite, Description = "First start", ClientId = client.ClientId }));
    }

    /// <exception cref="StartupException">Under another issuer.</exception>
    private async Task<bool> IsSetUpAsync(CancellationToken cancellationToken)
    {
        var system = (await storage.ListAllAsync<ResourceServer>(index: null, cancellationToken)).FindAll(api => api.IsSystem);
        if (system.Count == 0 || system.Exists(api => api.Identifier == SystemApis.ManagementAudience(options.Issuer)))
        {
            return system.Count > 0;
        }

        throw new StartupException(
            $"The store was set up under another issuer: it holds the API {system[0].Identifier}, and TokenVault:Issuer is {options.Issuer}. "
            + "Issued tokens and redirect URIs depend on the issuer, so it cannot change.");
    }

    private Task FinishAsync(BootstrapFile file, CancellationToken cancellationToken) =>
        file.FinishAsync(async clientId => await storage.FindAsync<Client>(clientId, cancellationToken) is not null);

    private Client MachineClient(string secret) => new()
    {
        ClientId = Identifier.Client(),
        Name = "Bootstrap",
        Description = "Made on the first start; holds every Management API scope",
        AppType = "non_interactive",
        GrantTypes = [Wire.ClientCredentials],
        SecretHash = ring.HashSecret(secret),
        CreatedAt = time.GetUtcNow(),
        UpdatedAt = time.GetUtcNow(),
    };

    private Connection Database() => new()
    {
        Id = Identifier.Connection(),
        Name = Wire.DatabaseConnection,
        Strategy = Connection.DatabaseStrategy,
        AuthenticationActive = true,
        CreatedAt = time.GetUtcNow(),
    };

    /// <summary>
    /// A newer version of the server may know more scopes than the one that set the store up. Who holds them stays the operator's choice.
    /// </summary>
    private async Task AddScopesAsync(IReadOnlyList<ApiScope> scopes, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await FindManagementAsync(cancellationToken) is not { } api)
            {
                return;
            }

            var missing = scopes.ExceptBy(api.Scopes.Select(scope => scope.Value), scope => scope.Value, StringComparer.Ordinal).ToList();
            if (missing.Count == 0)
            {
                return;
            }

            var added = string.Join(' ', missing.Select(scope => scope.Value));
            var row = audit.Row(new AuditEvent { Type = AuditType.ManagementWrite, Description = $"Add scopes of this version: {added}" });
            var result = await storage.CommitAsync(new Batch().Replace(api with { Scopes = [.. api.Scopes, .. missing] }).Append(row));
            if (result.Committed)
            {
                return;
            }
        }

        throw new StartupException("The scopes of the Management API keep being changed by others; start again.");
    }

    /// <summary>Every exchange asks for them, and what there is not cannot be kept in memory. Another node may have been faster.</summary>
    private async Task AddSettingsAsync(CancellationToken cancellationToken)
    {
        if (await storage.FindAsync<TenantSettings>(TenantSettings.OnlyId, cancellationToken) is null)
        {
            await storage.CommitAsync(new Batch().Insert(new TenantSettings()));
        }

        foreach (var trigger in ActionTrigger.Bindable)
        {
            if (await storage.FindAsync<ActionBindings>(trigger, cancellationToken) is null)
            {
                await storage.CommitAsync(new Batch().Insert(new ActionBindings { Id = trigger }));
            }
        }
    }

    /// <summary>When the MCP server is switched on for the first time.</summary>
    private async Task AddMcpAsync(CancellationToken cancellationToken)
    {
        if (options.Mcp.Enabled
            && await storage.FindByKeyAsync<ResourceServer>("identifier", McpOptions.Audience(options.Issuer), cancellationToken) is null)
        {
            var row = audit.Row(new AuditEvent { Type = AuditType.ManagementWrite, Description = "Add the API of the MCP server" });
            await storage.CommitAsync(new Batch().Insert(SystemApis.Mcp(options.Issuer)).Append(row));
        }
    }

    private ValueTask<ResourceServer?> FindManagementAsync(CancellationToken cancellationToken) =>
        storage.FindByKeyAsync<ResourceServer>("identifier", SystemApis.ManagementAudience(options.Issuer), cancellationToken);
}
