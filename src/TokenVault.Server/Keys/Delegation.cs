using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Keys;

/// <summary>What a token says of others than its subject (RFC 8693 §4): who acts, and who may.</summary>
internal sealed record Delegation
{
    private const string MayActClaim = "may_act";

    public static Delegation None { get; } = new();

    /// <summary>Null: the subject acts itself, or nobody tells that it does not.</summary>
    public ActorChain? Actor { get; init; }

    /// <summary>Null: it says nothing of it.</summary>
    public JsonObject? MayAct { get; init; }

    /// <summary>False when one of the claims is there and is not what it should be: then the token's word is not known.</summary>
    public static bool TryRead(VerifiedJwt jwt, [NotNullWhen(true)] out Delegation? delegation)
    {
        delegation = null;
        if (!jwt.TryObject(ActorChain.Claim, out var act) || !jwt.TryObject(MayActClaim, out var mayAct))
        {
            return false;
        }

        var actor = act is null ? null : ActorChain.Read(act);
        delegation = act is null || actor is not null ? new Delegation { Actor = actor, MayAct = mayAct } : null;
        return delegation is not null;
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        Actor?.WriteTo(writer);
        if (MayAct is not null)
        {
            writer.WritePropertyName(MayActClaim);
            MayAct.WriteTo(writer);
        }
    }
}
