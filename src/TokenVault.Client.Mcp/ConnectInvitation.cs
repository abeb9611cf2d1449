using System.Text.Json.Serialization;

namespace TokenVault.Client.Mcp;

/// <summary>A user is asked to connect an account.</summary>
/// <param name="Id">256 random bits: what the client and the browser's return name it by.</param>
/// <param name="User">Whose account it will be: nobody else is let through.</param>
internal sealed record ConnectInvitation(string Id, string User, string Connection, IReadOnlyList<string> Scopes, DateTimeOffset Until);

[JsonSerializable(typeof(ConnectInvitation))]
internal sealed partial class InvitationJson : JsonSerializerContext;
