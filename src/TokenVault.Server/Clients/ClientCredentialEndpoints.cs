using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/clients/{id}/credentials</c>: the public keys and certificates of a client. Private keys are refused, and stay out of the log (T-PW-12).</summary>
internal sealed class ClientCredentialEndpoints(ManagementRecords records, TimeProvider time)
{
    public const string Duplicate = "A key of the client belongs to another client already.";

    public void Map(IEndpointRouteBuilder routes)
    {
        const string all = "/clients/{id}/credentials";
        const string one = all + "/{credential_id}";
        routes.MapManagement("GET", all, "read:client_credentials", ListAsync).Describe(ClientCredentialDocs.List);
        routes.MapManagement("POST", all, "create:client_credentials", CreateAsync).Describe(ClientCredentialDocs.Create);
        routes.MapManagement("GET", one, "read:client_credentials", GetAsync).Describe(ClientCredentialDocs.Get);
        routes.MapManagement("PATCH", one, "update:client_credentials", UpdateAsync).Describe(ClientCredentialDocs.Update);
        routes.MapManagement("DELETE", one, "delete:client_credentials", DeleteAsync).Describe(ClientCredentialDocs.Delete);
    }

    public static JsonObject View(ClientCredential credential)
    {
        var json = new JsonObject { ["id"] = credential.Id, ["credential_type"] = credential.CredentialType };
        return json
            .With("name", credential.Name)
            .With("kid", credential.Kid)
            .With("alg", credential.Alg)
            .With("subject_dn", credential.SubjectDn)
            .With("thumbprint_sha256", credential.CertificateThumbprint)
            .With("created_at", WireJson.Date(credential.CreatedAt))
            .With("updated_at", WireJson.Date(credential.UpdatedAt))
            .With("expires_at", credential.EndsAt is { } end ? WireJson.Date(end) : null);
    }

    private static ManagementError NoClient => ManagementError.Inexistent("client");

    private static ManagementError Missing => ManagementError.Inexistent("credential");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request) =>
        await FindAsync(request) is { } client ? ManagementAnswer.Ok(WireJson.Array(client.Credentials.Select(View))) : NoClient;

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        if (await FindAsync(request) is not { } client)
        {
            return NoClient;
        }

        return Of(client, request) is { } credential ? ManagementAnswer.Ok(View(credential)) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await WriteAsync(request, "Create a client credential", client =>
        {
            var body = BodyReader.OfObject(json);
            var credential = ClientCredentialBody.Read(body, time.GetUtcNow());
            var changed = ClientAccessBody.WithCredentials(body, client, [.. client.Credentials, credential]);
            return body.Refused(out var error) ? (error, client) : (ManagementAnswer.Created(View(credential)), changed);
        });
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await WriteAsync(request, "Update a client credential", client =>
        {
            if (Of(client, request) is not { } current)
            {
                return (Missing, client);
            }

            var now = time.GetUtcNow();
            var body = BodyReader.OfObject(json);
            var credential = current with { EndsAt = ClientCredentialBody.ReadEnd(body, current.EndsAt, now), UpdatedAt = now };
            return body.Refused(out var error)
                ? (error, client)
                : (ManagementAnswer.Ok(View(credential)), client with { Credentials = [.. client.Credentials.Select(c => c.Id == current.Id ? credential : c)] });
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) => WriteAsync(request, "Delete a client credential", client =>
    {
        if (Of(client, request) is not { } credential)
        {
            return (ManagementAnswer.NoContent, client);
        }

        return client.Uses(credential.Id)
            ? (ManagementError.Conflict("The credential is in use: detach it from the client first."), client)
            : (ManagementAnswer.NoContent, client with { Credentials = [.. client.Credentials.Where(c => c.Id != credential.Id)] });
    });

    private Task<ManagementAnswer> WriteAsync(
        ManagementRequest request, string description, Func<Client, (ManagementAnswer Answer, Client Changed)> change) =>
        records.WriteAsync(request, description, async () =>
        {
            if (await FindAsync(request) is not { } client)
            {
                return NoClient;
            }

            var (answer, changed) = change(client);
            return ReferenceEquals(changed, client)
                ? new PendingWrite(Batch: null, answer)
                : new PendingWrite(new Batch().Replace(changed with { UpdatedAt = time.GetUtcNow() }), answer) { Target = client.ClientId, Duplicate = Duplicate };
        });

    private static ClientCredential? Of(Client client, ManagementRequest request) => client.Credential(request.Path("credential_id"));

    private ValueTask<Client?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<Client>(request.Path("id"), request.Cancellation);
}
