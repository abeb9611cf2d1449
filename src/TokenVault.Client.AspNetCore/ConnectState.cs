using System.Text.Json.Serialization;

namespace TokenVault.Client.AspNetCore;

/// <summary>What the browser keeps, encrypted, between its departure and its return.</summary>
/// <param name="User">Whose session it was.</param>
internal sealed record ConnectState(PendingConnect Pending, string ReturnTo, string User)
{
    public override string ToString() => Pending.ToString();
}

[JsonSerializable(typeof(ConnectState))]
internal sealed partial class ConnectJson : JsonSerializerContext;
