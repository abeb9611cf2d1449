using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/tenants/settings</c>, and the multi-factor policy that goes for all clients.</summary>
internal sealed class TenantEndpoints(ManagementRecords records, TokenVaultOptions options)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        var settings = TokenDocs.Settings(options);
        routes.MapManagement("GET", "/tenants/settings", "read:tenant_settings", GetAsync).Describe(settings.Get);
        routes.MapManagement("PATCH", "/tenants/settings", "update:tenant_settings", UpdateAsync).Describe(settings.Update);
        routes.MapManagement("GET", "/guardian/policies", "read:mfa_policies", GetPoliciesAsync).Describe(TokenDocs.Policies);
        routes.MapManagement("PUT", "/guardian/policies", "update:mfa_policies", SetPoliciesAsync).Describe(TokenDocs.SetPolicies);
    }

    public static JsonObject View(TenantSettings settings, TokenVaultOptions options) => new JsonObject
    {
        ["allowed_logout_urls"] = WireJson.Texts(settings.AllowedLogoutUrls),
        ["default_directory"] = Wire.DatabaseConnection,
        ["enabled_locales"] = WireJson.Texts(["en"]),
        ["flags"] = new JsonObject
        {
            ["enable_client_connections"] = false,
            ["enable_dynamic_client_registration"] = false,
            ["revoke_refresh_token_grant"] = false,
        },
        ["idle_session_lifetime"] = SessionPolicy.Of(settings, options).Idle.TotalHours,
        ["mtls"] = new JsonObject { ["enable_endpoint_aliases"] = options.Mtls.Alias is not null },
        ["pushed_authorization_requests_supported"] = true,
        ["resource_parameter_profile"] = "audience",
        ["session_cookie"] = new JsonObject { ["mode"] = "persistent" },
        ["session_lifetime"] = SessionPolicy.Of(settings, options).Absolute.TotalHours,
    }
        .With("friendly_name", settings.FriendlyName)
        .With("picture_url", settings.PictureUrl)
        .With("support_email", settings.SupportEmail)
        .With("support_url", settings.SupportUrl);

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        var settings = await FindAsync(request);
        return ManagementAnswer.Ok(fields.Apply(View(settings, options))).Tagged(settings.Version);
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update tenant settings", async () =>
        {
            var current = await FindAsync(request);
            var body = BodyReader.OfObject(json);
            var settings = TenantSettingsBody.Read(body, current, options);
            if (body.Refused(out var error))
            {
                return error;
            }

            var batch = current.Version == 0 ? new Batch().Insert(settings) : new Batch().Replace(settings);
            return new PendingWrite(batch, ManagementAnswer.Ok(View(settings, options)))
            {
                Target = settings.Id,
                Replaced = current.Version,
                Duplicate = "The settings are being changed by another request. Try again.",
            };
        });
    }

    private async Task<ManagementAnswer> GetPoliciesAsync(ManagementRequest request) => ManagementAnswer.Ok(Policies(await FindAsync(request)));

    private async Task<ManagementAnswer> SetPoliciesAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Set the multi-factor policy", async () =>
        {
            if ((json.Error ?? Refusal(json.Root)) is { } error)
            {
                return error;
            }

            var current = await FindAsync(request);
            var policy = json.Root.GetArrayLength() == 0 ? null : json.Root[0].GetString();
            if (policy == current.MultiFactorPolicy)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.Ok(Policies(current)));
            }

            var settings = current with { MultiFactorPolicy = policy };
            var batch = current.Version == 0 ? new Batch().Insert(settings) : new Batch().Replace(settings);
            return new PendingWrite(batch, ManagementAnswer.Ok(Policies(settings))) { Target = policy ?? "never" };
        });
    }

    private static JsonArray Policies(TenantSettings settings) => WireJson.Texts(settings.MultiFactorPolicy is { } policy ? [policy] : []);

    /// <summary>Always and adaptive together would mean always: nobody is to think that they get something between.</summary>
    private static ManagementError? Refusal(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Array)
        {
            return ManagementError.InvalidBody("Expected type array");
        }

        if (body.GetArrayLength() > 1)
        {
            return ManagementError.InvalidBody("Expected one policy at most");
        }

        return body.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String
            && item.GetString() is MultiFactorPolicy.Always or MultiFactorPolicy.Adaptive)
                ? null
                : ManagementError.InvalidBody($"Expected {MultiFactorPolicy.Always} or {MultiFactorPolicy.Adaptive}");
    }

    private async ValueTask<TenantSettings> FindAsync(ManagementRequest request) =>
        await records.Storage.FindAsync<TenantSettings>(TenantSettings.OnlyId, request.Cancellation) ?? new TenantSettings();
}
