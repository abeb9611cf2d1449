using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Management;

/// <summary>The Management API that the field's tools expect, line by line; the rest of what there is stands in scopes.txt.</summary>
public sealed class ContractRoutesTests
{
    private const string Routes = """
        GET clients read:clients
        POST clients create:clients
        GET clients/{id} read:clients
        PATCH clients/{id} update:clients
        DELETE clients/{id} delete:clients
        POST clients/{id}/rotate-secret update:client_keys
        GET clients/{id}/credentials read:client_credentials
        POST clients/{id}/credentials create:client_credentials
        GET clients/{id}/credentials/{credential_id} read:client_credentials
        PATCH clients/{id}/credentials/{credential_id} update:client_credentials
        DELETE clients/{id}/credentials/{credential_id} delete:client_credentials
        GET clients/{id}/connections read:connections
        GET client-grants read:client_grants
        POST client-grants create:client_grants
        GET client-grants/{id} read:client_grants
        PATCH client-grants/{id} update:client_grants
        DELETE client-grants/{id} delete:client_grants
        GET connections read:connections
        POST connections create:connections
        GET connections/{id} read:connections
        PATCH connections/{id} update:connections
        DELETE connections/{id} delete:connections
        GET connections/{id}/clients read:connections
        PATCH connections/{id}/clients update:connections
        GET resource-servers read:resource_servers
        POST resource-servers create:resource_servers
        GET resource-servers/{id} read:resource_servers
        PATCH resource-servers/{id} update:resource_servers
        DELETE resource-servers/{id} delete:resource_servers
        GET users read:users
        POST users create:users
        GET users/{id} read:users
        PATCH users/{id} update:users
        DELETE users/{id} delete:users
        GET users/{id}/federated-connections-tokensets read:federated_connections_tokensets
        DELETE users/{id}/federated-connections-tokensets/{tokenset} update:federated_connections_tokensets
        GET users/{id}/connected-accounts read:users
        POST users/{id}/identities update:users
        DELETE users/{id}/identities/{provider}/{user_id} update:users
        GET users/{id}/logs read:logs_users
        GET users/{id}/refresh-tokens read:refresh_tokens
        DELETE users/{id}/refresh-tokens delete:refresh_tokens
        GET users/{id}/sessions read:sessions
        DELETE users/{id}/sessions delete:sessions
        GET logs read:logs
        GET logs/{id} read:logs
        GET refresh-tokens read:refresh_tokens
        GET refresh-tokens/{id} read:refresh_tokens
        PATCH refresh-tokens/{id} update:refresh_tokens
        DELETE refresh-tokens/{id} delete:refresh_tokens
        POST refresh-tokens/revoke delete:refresh_tokens
        GET tenants/settings read:tenant_settings
        PATCH tenants/settings update:tenant_settings
        GET guardian/policies read:mfa_policies
        PUT guardian/policies update:mfa_policies
        GET keys/signing read:signing_keys
        GET keys/signing/{kid} read:signing_keys
        POST keys/signing/rotate create:signing_keys
        PUT keys/signing/{kid}/revoke update:signing_keys
        GET keys/encryption read:encryption_keys
        GET keys/encryption/{kid} read:encryption_keys
        POST keys/encryption/rekey update:encryption_keys
        GET token-exchange-profiles read:token_exchange_profiles
        POST token-exchange-profiles create:token_exchange_profiles
        GET token-exchange-profiles/{id} read:token_exchange_profiles
        PATCH token-exchange-profiles/{id} update:token_exchange_profiles
        DELETE token-exchange-profiles/{id} delete:token_exchange_profiles
        """;

    [Fact]
    public async Task Every_route_that_tools_call_is_there_and_opens_to_the_scope_that_they_ask_for()
    {
        var host = await ManagementHost.SharedAsync();
        var mapped = host.Endpoints
            .Where(endpoint => endpoint.Metadata.GetMetadata<RequiredScope>() is not null)
            .ToDictionary(
                endpoint => $"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single()} {endpoint.RoutePattern.RawText!["/api/v2/".Length..]}",
                endpoint => endpoint.Metadata.GetMetadata<RequiredScope>()!.AnyOf);
        foreach (var (method, path, scope) in Routes.Split('\n').Select(line => line.Split(' ')).Select(words => (words[0], words[1], words[2])))
        {
            mapped.ShouldContainKey($"{method} {path}");
            mapped[$"{method} {path}"].ShouldContain(scope, $"{method} {path}");
        }
    }
}
