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

    /// <summary><c>auth0|…</c> for local users, <c>{strategy}|…</c> for those who came from a provider.</summary>
    [JsonConverter(typeof(SharedText))]
    public required string UserId { get; init; }

    /// <summary>The connection whose user this is.</summary>
    [JsonConverter(typeof(SharedText))]
    public required string Connection { get; init; }

    /// <summary>Their account at the provider they came from; null for local users.</summary>
    public UserIdentity? Identity { get; init; }

    /// <summary>Further identities that were linked: whoever signs in with one of them signs in as this user.</summary>
    public IReadOnlyList<UserIdentity> Linked { get; set => field = value is { Count: > 0 } ? value : []; } = [];

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

    /// <summary>When this became a user of its own again, having been an identity of another; null when it never was.</summary>
    public DateTimeOffset? UnlinkedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    string IRecord<User>.Id => UserId;

    IEnumerable<EntityKey> IRecord<User>.Keys
    {
        get
        {
            foreach (var key in Main().Keys().Concat(Linked.SelectMany(identity => identity.Keys())))
            {
                yield return key;
            }

            if (Email is not null)
            {
                yield return EmailIndex(Email);
            }
        }
    }

    /// <summary>Everybody with this address. Nobody is ever signed in or linked by it: a provider may assert any address (T-CF-15).</summary>
    public static EntityKey EmailIndex(string email) => EntityKey.Index("user-email", email.ToLowerInvariant());

    /// <summary>The identity that the user began with.</summary>
    public UserIdentity Main() => Identity ?? new UserIdentity
    {
        Connection = Connection,
        Provider = UserId[..Math.Max(UserId.IndexOf('|'), 0)],
        UserId = UserId[(UserId.IndexOf('|') + 1)..],
        Profile = new UserProfile { Email = Email, EmailVerified = EmailVerified, Username = Username, Name = Name },
        PasswordHash = PasswordHash,
    };

    /// <summary>The local account of this login name; null when there is none.</summary>
    public UserIdentity? LocalIdentity(string login)
    {
        bool Same(string? name) => string.Equals(name, login, StringComparison.OrdinalIgnoreCase);

        return Linked.Prepend(Main()).FirstOrDefault(i => i.Key() is null && (Same(i.Profile?.Email) || Same(i.Profile?.Username)));
    }

    public string? PasswordHashFor(string login) => LocalIdentity(login)?.PasswordHash;

    /// <summary>With another hash of the password by which this login name signs in.</summary>
    public User WithPasswordHash(string login, string hash)
    {
        var local = LocalIdentity(login);
        return Linked.Any(linked => ReferenceEquals(linked, local))
            ? this with { Linked = [.. Linked.Select(linked => ReferenceEquals(linked, local) ? linked with { PasswordHash = hash } : linked)] }
            : this with { PasswordHash = hash };
    }

    /// <summary>E-mail addresses and user names are one per connection, whatever their case.</summary>
    public static string LoginKey(string connection, string login) => $"{connection} {login.ToLowerInvariant()}";

    public User AtVersion(long version) => this with { Version = version };
}
