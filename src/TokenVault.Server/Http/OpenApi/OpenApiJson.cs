using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>The document as it is served and shown.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonNode))]
internal sealed partial class OpenApiJson : JsonSerializerContext;
