using System.Buffers;
using System.Text.Json;

namespace TokenVault.Client.Agents;

/// <summary>
/// A tool cannot go on before the user has done something: connected an account, granted scopes, or given an approval. Not a failure of the
/// tool: show it to the user, and when they have acted, resume (<see cref="AgentTools.ResumeAsync"/>). Its JSON is that of Auth0's SDKs
/// for agents, so that front ends made for those work.
/// </summary>
public class TokenVaultInterrupt : Exception
{
    /// <summary>The <c>name</c> of every interrupt.</summary>
    public const string InterruptName = "AUTH0_AI_INTERRUPT";

    /// <summary>The <c>code</c> of an interrupt that connecting an account mends.</summary>
    public const string ConnectCode = "TOKEN_VAULT_ERROR";

    private protected TokenVaultInterrupt(string code, string message, Exception? inner)
        : base(message, inner) => Code = code;

    internal TokenVaultInterrupt(TokenRequest request, string message, ToolInterruptDetails details, Exception? inner)
        : this(ConnectCode, message, inner)
    {
        Connection = request.Connection;
        Scopes = request.Scopes;
        RequiredScopes = details.RequiredScopes;
        AuthorizationParams = details.AuthorizationParams;
        Failure = details.Failure;
    }

    /// <summary><see cref="ConnectCode"/>, or one that begins with <c>ASYNC_AUTHORIZATION_</c>.</summary>
    public string Code { get; }

    /// <summary>Where to connect. Empty for an approval.</summary>
    public string Connection { get; } = "";

    /// <summary>What the tool declares.</summary>
    public IReadOnlyList<string> Scopes { get; } = [];

    /// <summary>What to ask for when connecting: what the account has, as far as it is known, and what is missing.</summary>
    public IReadOnlyList<string> RequiredScopes { get; } = [];

    /// <summary>Further parameters of the connecting.</summary>
    public IReadOnlyDictionary<string, string> AuthorizationParams { get; } = new Dictionary<string, string>();

    /// <summary>What the server said; null when the provider refused the token.</summary>
    public TokenVaultFailure? Failure { get; }

    /// <summary>How it goes on: the call that was interrupted is made again.</summary>
    public string Behavior { get; } = "resume";

    /// <summary>The JSON that Auth0's SDKs send to front ends. Holds no token.</summary>
    public JsonElement ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("name", InterruptName);
            writer.WriteString("code", Code);
            WriteMembers(writer);
            writer.WriteString("message", Message);
            writer.WriteEndObject();
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    private protected virtual void WriteMembers(Utf8JsonWriter writer)
    {
        writer.WriteString("connection", Connection);
        Write(writer, "scopes", Scopes);
        Write(writer, "requiredScopes", RequiredScopes);
        writer.WriteStartObject("authorizationParams");
        foreach (var (name, value) in AuthorizationParams)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.WriteString("behavior", Behavior);
    }

    private static void Write(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
