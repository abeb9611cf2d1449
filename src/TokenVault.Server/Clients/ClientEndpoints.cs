using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/clients</c>: applications.</summary>
internal sealed class ClientEndpoints(
    ManagementRecords records, KeyRing ring, TokenVaultOptions options, TimeProvider time, IEnumerable<ClientRemoval> removals)
{
    private static readonly RequiredScope Read = new("read:clients", "read:client_keys");

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/clients", Read, ListAsync).Describe(ClientDocs.Client.List);
        routes.MapManagement("POST", "/clients", "create:clients", CreateAsync).Describe(ClientDocs.Client.Create with { Description = ClientScopes.OfNew });
        routes.MapManagement("GET", "/clients/{id}", Read, GetAsync).Describe(ClientDocs.Client.Get);
        routes.MapManagement("PATCH", "/clients/{id}", "update:clients", UpdateAsync).Describe(ClientDocs.Client.Update with { Description = ClientScopes.OfChange });
        routes.MapManagement("DELETE", "/clients/{id}", "delete:clients", DeleteAsync).Describe(ClientDocs.Client.Delete);
        routes.MapManagement("POST", "/clients/{id}/rotate-secret", "update:client_keys", RotateSecretAsync).Describe(ClientDocs.RotateSecret);
    }

    private Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var query = request.Query;
        var global = query.Flag("is_global");
        var firstParty = query.Flag("is_first_party");
        var types = query.Texts("app_type").SelectMany(value => value.Split(',')).ToList();

        // No client of this server is global: asking for those finds none, asking for the others finds all.
        var filtered = global == true || firstParty is not null || types.Count > 0;
        return records.ListAsync(request, new ManagementList<Client>("clients", ClientView.Of)
        {
            Where = filtered
                ? client => global != true
                    && (firstParty ?? client.IsFirstParty) == client.IsFirstParty
                    && (types.Count == 0 || types.Contains(client.AppType))
                : null,
            FilterText = $"{global} {firstParty} {string.Join(',', types)}",
        });
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        return await FindAsync(request) is { } client ? ManagementAnswer.Ok(fields.Apply(ClientView.Of(client))).Tagged(client.Version) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var now = time.GetUtcNow();
        var secret = ClientBody.ReadSecret(body) ?? Identifier.ClientSecret();
        var draft = new Client { ClientId = Identifier.Client(), Name = "" };
        var client = ClientBody.Read(body, draft, now) with
        {
            SecretHash = ring.HashSecret(secret),
            CreatedAt = now,
            UpdatedAt = now,
        };
        if (body.Refused(out var error) || (error = await ProblemAsync(request, draft, client)) is not null)
        {
            return error;
        }

        return await records.WriteAsync(request, "Create a client", () => Task.FromResult(
            new PendingWrite(new Batch().Insert(client), ManagementAnswer.Created(ClientView.Of(client, secret)))
            {
                Target = client.ClientId,
                Duplicate = ClientCredentialEndpoints.Duplicate,
            }));
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a client", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var secret = ClientBody.ReadSecret(body);
            var now = time.GetUtcNow();
            var client = ClientBody.Read(body, current, now) with
            {
                SecretHash = secret is null ? current.SecretHash : ring.HashSecret(secret),
                UpdatedAt = now,
            };
            if (body.Refused(out var error) || (error = await ProblemAsync(request, current, client)) is not null)
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(client), ManagementAnswer.Ok(ClientView.Of(client)))
            {
                Target = client.ClientId,
                Replaced = current.Version,
                Duplicate = ClientCredentialEndpoints.Duplicate,
            };
        });
    }

    private Task<ManagementAnswer> RotateSecretAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Rotate a client secret", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var secret = Identifier.ClientSecret();
            var client = current with { SecretHash = ring.HashSecret(secret), UpdatedAt = time.GetUtcNow() };
            return new PendingWrite(new Batch().Replace(client), ManagementAnswer.Ok(ClientView.Of(client, secret)))
            {
                Target = client.ClientId,
                Replaced = current.Version,
            };
        });

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a client", async () =>
        {
            // Deleting what is not there is no failure: the caller has what they wanted.
            if (await FindAsync(request) is not { } client)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            // Its grants and refresh tokens carry the index: they go in the same commit.
            var batch = new Batch().Delete(client).DeleteIndexed("client", client.ClientId);
            foreach (var removal in removals)
            {
                await removal(client, batch, request.Cancellation);
            }

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = client.ClientId, Replaced = client.Version };
        });

    private static ManagementError Missing => ManagementError.Inexistent("client");

    private ValueTask<Client?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<Client>(request.Path("id"), request.Cancellation);

    /// <summary>What only the caller's scopes and the rest of the deployment can tell.</summary>
    private async Task<ManagementError?> ProblemAsync(ManagementRequest request, Client current, Client client)
    {
        if (ClientScopes.Refusal(request, current, client) is { } refused)
        {
            return refused;
        }

        // A user's refresh token must not become a key to administration.
        var management = options.Issuer + ManagementRoutes.BasePath;
        if (client.RefreshToken.Policies.Any(policy => string.Equals(policy.Audience, management, StringComparison.Ordinal)))
        {
            return ManagementError.InvalidBody("The Management API cannot be in a refresh token policy", "refresh_token.policies");
        }

        if (client.ResourceServerIdentifier is not { } identifier)
        {
            return null;
        }

        return await records.Storage.FindByKeyAsync<ResourceServer>("identifier", identifier, request.Cancellation) is null
            ? ManagementError.InvalidBody("There is no API with this identifier", "resource_server_identifier")
            : null;
    }
}
