using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>What makes an application a privileged worker: two keys, and bounds.</summary>
internal static class WorkerPlan
{
    private const string Methods = "client_authentication_methods";
    private const string PrivateKeyJwt = "private_key_jwt";
    private const string Access = "token_vault_privileged_access";
    private const string Credentials = "credentials";

    public static void SetNew(JsonObject body, WorkerAnswers answers, WorkerKeys keys)
    {
        // From anywhere is something to be said, and not what happens when nobody thinks of it.
        if (answers.IpAllowlist is null)
        {
            throw new ToolException(ExitCode.Usage, "Missing: --ip-allowlist", "A new worker needs the addresses or networks that it may call from, or any.");
        }

        if (answers.AuthenticatesByKey)
        {
            body[Methods] = ByKey([keys.Authentication.Credential("Authentication")]);
        }

        var access = new JsonObject { [Credentials] = new JsonArray(keys.Subject.Credential("Subject tokens")) };
        SetBounds(access, answers);
        body[Access] = access;
    }

    public static void Set(MemberChanges members, JsonObject current, IReadOnlyList<JsonObject> pool, WorkerAnswers answers, WorkerKeys keys)
    {
        if (answers.AuthenticatesByKey)
        {
            var present = Items(current[Methods]?[PrivateKeyJwt]);
            if (With(present, pool, keys.Authentication, "Authentication") is { } wanted)
            {
                members.Set(Methods, ByKey(wanted), note: "it authenticates by its key from now on, and not by a secret");
            }
        }

        var access = current[Access]?.DeepClone().AsObject() ?? [];
        if (With(Items(access), pool, keys.Subject, "Subject tokens") is { } credentials)
        {
            access[Credentials] = new JsonArray([.. credentials]);
        }

        SetBounds(access, answers);
        members.Set(Access, access, Opened(current[Access], access));
    }

    private static void SetBounds(JsonObject access, WorkerAnswers answers)
    {
        switch (answers.IpAllowlist)
        {
            case null:
                break;
            case { Count: 0 }:
                // Null takes the list away; where there is none, there is nothing to say.
                if (access["ip_allowlist"] is not null)
                {
                    access["ip_allowlist"] = null;
                }

                break;
            default:
                if (!Wire.Texts(access["ip_allowlist"]).ToHashSet(StringComparer.Ordinal).SetEquals(answers.IpAllowlist))
                {
                    access["ip_allowlist"] = Wire.Array(answers.IpAllowlist);
                }

                break;
        }

        var grants = answers.Grants.SelectMany(grant => grant.Value.DefaultIfEmpty("").Select(scope => ((string?)grant.Key, scope)));
        if (answers.Grants.Count > 0 && !Pairs(access["grants"] as JsonArray ?? []).ToHashSet().SetEquals(grants))
        {
            access["grants"] = new JsonArray([.. answers.Grants.Select(grant =>
                (JsonNode)new JsonObject { ["connection"] = grant.Key, ["scopes"] = Wire.Array(grant.Value) })]);
        }

        if (answers.UsersPerHour is { } users && users != Number(access, "users_per_hour"))
        {
            access["users_per_hour"] = users;
        }
    }

    /// <summary>Which bound is wider than before; null: none.</summary>
    private static string? Opened(JsonNode? before, JsonObject after)
    {
        var opened = new List<string>();
        if (before?["ip_allowlist"] is JsonArray from && (after["ip_allowlist"] is not JsonArray to || Wire.Texts(to).Except(Wire.Texts(from)).Any()))
        {
            opened.Add("the worker may call from more addresses");
        }

        if (before?["grants"] is JsonArray old && (after["grants"] is not JsonArray given || Pairs(given).Except(Pairs(old)).Any()))
        {
            opened.Add("the worker may reach more connections or scopes");
        }

        var most = Number(before, "users_per_hour");
        var most2 = Number(after, "users_per_hour");
        if (most > 0 && (most2 == 0 || most2 > most))
        {
            opened.Add("the worker may ask for more users in an hour");
        }

        return opened.Count == 0 ? null : string.Join(", ", opened);
    }

    private static IEnumerable<(string? Connection, string Scope)> Pairs(JsonArray grants) =>
        grants.OfType<JsonObject>().SelectMany(grant => Wire.Texts(grant["scopes"]).DefaultIfEmpty("").Select(scope => (Answer.Text(grant, "connection"), scope)));

    private static int Number(JsonNode? json, string member) => json?[member] is JsonValue value && value.TryGetValue<int>(out var number) ? number : 0;

    private static JsonObject ByKey(IEnumerable<JsonObject> credentials) =>
        new() { [PrivateKeyJwt] = new JsonObject { [Credentials] = new JsonArray([.. credentials]) } };

    private static IReadOnlyList<JsonObject> Items(JsonNode? holder) => holder?[Credentials] is JsonArray items ? [.. items.OfType<JsonObject>()] : [];

    /// <summary>The credentials with the key among them; null when it is there already.</summary>
    private static IReadOnlyList<JsonObject>? With(IReadOnlyList<JsonObject> present, IReadOnlyList<JsonObject> pool, WorkerKey key, string name)
    {
        var known = pool.FirstOrDefault(credential => Answer.Text(credential, "kid") == key.Kid);
        var id = Answer.Text(known, "id");
        if (id is not null && present.Any(credential => Answer.Text(credential, "id") == id))
        {
            return null;
        }

        var added = id is null ? key.Credential(name) : new JsonObject { ["id"] = id };
        return [.. present.Select(credential => credential.DeepClone().AsObject()), added];
    }
}
