using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>A person who signs in here.</summary>
internal sealed record User : IRecord<User>
{
    public static string Kind => "user";

    public static JsonTypeInfo<User> TypeInfo => UsersJson.Default.User;

    /// <summary><c>auth0|…</c> for local users.</summary>
    public required string UserId { get; init; }

    /// <summary>The connection whose user this is.</summary>
    public required string Connection { get; init; }

    public string? Email { get; init; }

    public bool EmailVerified { get; init; }

    public string? Username { get; init; }

    public string? Name { get; init; }

    public string? GivenName { get; init; }

    public string? FamilyName { get; init; }

    public string? Nickname { get; init; }

    public string? Picture { get; init; }

    /// <summary>A blocked user can neither sign in nor be acted for (T-ST-11).</summary>
    public bool Blocked { get; init; }

    public JsonObject? UserMetadata { get; init; }

    public JsonObject? AppMetadata { get; init; }

    /// <summary>In the format of ASP.NET Core Identity's password hasher.</summary>
    public string? PasswordHash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    string IRecord<User>.Id => UserId;

    IEnumerable<EntityKey> IRecord<User>.Keys
    {
        get
        {
            if (Email is not null)
            {
                yield return EntityKey.UniqueKey("email", LoginKey(Connection, Email));
            }

            if (Username is not null)
            {
                yield return EntityKey.UniqueKey("username", LoginKey(Connection, Username));
            }
        }
    }

    /// <summary>E-mail addresses and user names are one per connection, whatever their case.</summary>
    public static string LoginKey(string connection, string login) => $"{connection} {login.ToLowerInvariant()}";

    public User AtVersion(long version) => this with { Version = version };
}
