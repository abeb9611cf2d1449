using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/token-exchange-profiles</c>.</summary>
internal sealed class TokenExchangeProfileEndpoints(ManagementRecords records, TimeProvider time)
{
    private const string Duplicate = "A token exchange profile for this subject_token_type already exists.";

    /// <summary>Names that belong to somebody else, whatever the case.</summary>
    private static readonly string[] Reserved =
    [
        "http://auth0.com", "https://auth0.com", "http://okta.com", "https://okta.com", "urn:ietf", "urn:auth0", "urn:okta",
    ];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/token-exchange-profiles", "read:token_exchange_profiles", ListAsync).Describe(TokenDocs.Profile.List);
        routes.MapManagement("POST", "/token-exchange-profiles", "create:token_exchange_profiles", CreateAsync).Describe(TokenDocs.Profile.Create);
        routes.MapManagement("GET", "/token-exchange-profiles/{id}", "read:token_exchange_profiles", GetAsync).Describe(TokenDocs.Profile.Get);
        routes.MapManagement("PATCH", "/token-exchange-profiles/{id}", "update:token_exchange_profiles", UpdateAsync).Describe(TokenDocs.Profile.Update);
        routes.MapManagement("DELETE", "/token-exchange-profiles/{id}", "delete:token_exchange_profiles", DeleteAsync).Describe(TokenDocs.Profile.Delete);
    }

    public static JsonObject View(TokenExchangeProfile profile) => new()
    {
        ["id"] = profile.Id,
        ["name"] = profile.Name,
        ["subject_token_type"] = profile.SubjectTokenType,
        ["action_id"] = profile.ActionId,
        ["type"] = "custom_authentication",
        ["created_at"] = WireJson.Date(profile.CreatedAt),
        ["updated_at"] = WireJson.Date(profile.UpdatedAt),
    };

    public static TokenExchangeProfile Read(BodyReader body, TokenExchangeProfile current)
    {
        var profile = current with
        {
            Name = body.RequiredText("name", current.Name, 50, NameProblem),
            SubjectTokenType = body.RequiredText("subject_token_type", current.SubjectTokenType, 100, TypeProblem),
        };
        if (current.Version > 0)
        {
            return profile;
        }

        body.OneOf("type", "custom_authentication", "custom_authentication", "custom_authentication");
        return profile with { ActionId = body.RequiredText("action_id", "", 36, NameProblem) };
    }

    private static ManagementError Missing => ManagementError.Inexistent("token_exchange_profile");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var all = await records.Storage.ListAllAsync<TokenExchangeProfile>(index: null, request.Cancellation);
        return records.Checkpoint(request, "token_exchange_profiles", "", all, profile => profile.Id, View);
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } profile ? ManagementAnswer.Ok(View(profile)).Tagged(profile.Version) : Missing;

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var now = time.GetUtcNow();
        var profile = Read(body, new TokenExchangeProfile
        {
            Id = Identifier.TokenExchangeProfile(),
            Name = "",
            SubjectTokenType = "",
            ActionId = "",
            CreatedAt = now,
            UpdatedAt = now,
        });
        if (body.Refused(out var error))
        {
            return error;
        }

        return await records.WriteAsync(request, "Create a token exchange profile", () => Task.FromResult(
            new PendingWrite(new Batch().Insert(profile), ManagementAnswer.Created(View(profile))) { Target = profile.Id, Duplicate = Duplicate }));
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a token exchange profile", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var profile = Read(body, current) with { UpdatedAt = time.GetUtcNow() };
            if (body.Refused(out var error))
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(profile), ManagementAnswer.Ok(View(profile)))
            {
                Target = profile.Id,
                Replaced = current.Version,
                Duplicate = Duplicate,
            };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a token exchange profile", async () => await FindAsync(request) is { } profile
            ? new PendingWrite(new Batch().Delete(profile), ManagementAnswer.NoContent) { Target = profile.Id, Replaced = profile.Version }
            : new PendingWrite(Batch: null, ManagementAnswer.NoContent));

    private ValueTask<TokenExchangeProfile?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<TokenExchangeProfile>(request.Path("id"), request.Cancellation);

    private static string? NameProblem(string name) =>
        name.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_' or '.') ? null : "Expected letters, digits, spaces, '-', '_' and '.'";

    private static string? TypeProblem(string type)
    {
        if (type.Length < 10)
        {
            return $"String is too short ({type.Length} chars), minimum 10";
        }

        if (!Uri.TryCreate(type, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http" or "urn") || !type.All(c => c is > ' ' and <= '~'))
        {
            return "Expected an http, https or urn URI of your own";
        }

        return Reserved.Any(prefix => type.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) ? "The namespace is reserved" : null;
    }
}
