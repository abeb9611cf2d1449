using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Keys;

/// <summary>
/// Who acts for a token's subject, and before them who did: the claim <c>act</c> (RFC 8693 §4.1). Members that somebody put beside the
/// known ones are carried on as they are.
/// </summary>
internal sealed class ActorChain
{
    public const string Claim = "act";

    /// <summary>How many actors a chain has at most.</summary>
    public const int Deepest = 5;

    private const string SubjectMember = "sub";
    private const string ClientMember = "client_id";
    private const string IssuerMember = "iss";

    private readonly JsonObject _claim;

    private ActorChain(JsonObject claim) => _claim = claim;

    /// <summary>Who acts now. What came before is history, and decides nothing.</summary>
    public string Subject => _claim[SubjectMember]!.GetValue<string>();

    public int Depth
    {
        get
        {
            var depth = 1;
            for (var at = _claim; at[Claim] is JsonObject prior; at = prior)
            {
                depth++;
            }

            return depth;
        }
    }

    /// <param name="subject">A user's id, or a client's.</param>
    /// <param name="prior">Who acted before; null: nobody.</param>
    public static ActorChain Of(string subject, string clientId, ActorChain? prior)
    {
        var claim = new JsonObject { [SubjectMember] = subject, [ClientMember] = clientId };
        if (prior is not null)
        {
            claim[Claim] = prior._claim.DeepClone();
        }

        return new ActorChain(claim);
    }

    /// <summary>Null when it is no chain of actors, each with a <c>sub</c>.</summary>
    public static ActorChain? Read(JsonObject claim)
    {
        for (var at = claim; at is not null; at = at[Claim] as JsonObject)
        {
            if (Text(at, SubjectMember) is null || (at.ContainsKey(Claim) && at[Claim] is not JsonObject))
            {
                return null;
            }
        }

        return new ActorChain((JsonObject)claim.DeepClone());
    }

    /// <summary>
    /// Whether <c>may_act</c> names this actor (RFC 8693 §4.4): by all that it says, of which nothing may be beyond what is known here.
    /// </summary>
    public bool IsNamedBy(JsonObject mayAct, string issuer) =>
        (mayAct.ContainsKey(SubjectMember) || mayAct.ContainsKey(ClientMember))
        && mayAct.All(member => member.Key switch
        {
            SubjectMember => Text(mayAct, SubjectMember) == Subject,
            ClientMember => Text(mayAct, ClientMember) is { } client && client == Text(_claim, ClientMember),
            IssuerMember => Text(mayAct, IssuerMember) == issuer,
            _ => false,
        });

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WritePropertyName(Claim);
        _claim.WriteTo(writer);
    }

    public JsonObject ToJson() => (JsonObject)_claim.DeepClone();

    private static string? Text(JsonObject claim, string member) =>
        claim[member] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;
}
