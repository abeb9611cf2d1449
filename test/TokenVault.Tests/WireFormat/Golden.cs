using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.WireFormat;

/// <summary>
/// Whole HTTP answers, compared with a file: status, headers, and JSON with every name and type. What changes from run to run is
/// replaced by a placeholder; JWTs are shown by what is in them. UPDATE_GOLDEN=1 rewrites the files, to be read before they are committed.
/// </summary>
/// <param name="addresses">Addresses of this run, with the names to put for them.</param>
internal sealed partial class Golden(params (string Address, string Name)[] addresses)
{
    private static readonly string[] IgnoredHeaders = ["Connection", "Content-Length", "Date", "Keep-Alive", "Transfer-Encoding"];
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    private static readonly (Regex Pattern, string Placeholder)[] Volatile =
    [
        (Email(), "{email}"),
        (ProviderToken(), "{provider's token}"),
        (RefreshToken(), "{refresh token}"),
        (UserId(), "{user id}"),
        (PrefixedId(), "{$1 id}"),
        (ApprovalId(), "{approval id}"),
        (Instant(), "{time}"),
        (ApiId(), "{24 hex digits}"),
        (ClientSecret(), "{client secret}"),
        (ClientId(), "{client id}"),
        (KeyPart(), "{key}"),
        (Random(), "{256 bits}"),
    ];

    private readonly StringBuilder _text = new();

    /// <summary>Adds an answer under a heading.</summary>
    public Golden Add(string heading, Answer answer)
    {
        _text.Append(_text.Length == 0 ? "" : "\n").Append("### ").Append(heading).Append('\n').Append("HTTP ").Append(answer.Status).Append('\n');
        foreach (var (name, values) in answer.Headers.Concat(answer.ContentHeaders).OrderBy(header => header.Key, StringComparer.Ordinal))
        {
            if (!IgnoredHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                _text.Append(name).Append(": ").Append(Stable(string.Join(", ", values))).Append('\n');
            }
        }

        if (answer.Text.Length > 0)
        {
            _text.Append('\n').Append(Json(answer.Json)).Append('\n');
        }

        return this;
    }

    /// <summary>Compares all that was added with the file.</summary>
    public void Match(string file)
    {
        var path = Path.Combine(SourceTree.Root, "test", "TokenVault.Tests", "WireFormat", "golden", file + ".txt");
        var actual = _text.ToString();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, actual);
        }

        File.Exists(path).ShouldBeTrue($"There is no {path}: run the test with UPDATE_GOLDEN=1, and read what it writes.");
        actual.ShouldBe(File.ReadAllText(path), $"The wire has changed: see {path}");
    }

    private string Json(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented))
        {
            Normal(node)!.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private JsonNode? Normal(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, Normal(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Normal)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>()),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.ToJsonString() is { Length: 10 } => "{seconds since 1970}",
        _ => node?.DeepClone(),
    };

    private JsonNode? Text(string text)
    {
        if (!Jwt().IsMatch(text))
        {
            return Stable(text);
        }

        var parts = text.Split('.');
        return new JsonObject { ["JWT header"] = Part(parts[0]), ["JWT payload"] = Part(parts[1]) };
    }

    private JsonNode? Part(string part) => Normal(JsonNode.Parse(Base64Url.DecodeFromChars(part)));

    private string Stable(string text)
    {
        foreach (var (address, name) in addresses)
        {
            text = text.Replace(address, name, StringComparison.Ordinal).Replace(Uri.EscapeDataString(address), name, StringComparison.Ordinal);
        }

        return Volatile.Aggregate(text, (stable, rule) => rule.Pattern.Replace(stable, rule.Placeholder));
    }

    [GeneratedRegex(@"apr_[\w-]{43}(?![\w-])")]
    private static partial Regex ApprovalId();

    [GeneratedRegex(@"^eyJ[\w-]+\.[\w-]+\.[\w-]+$")]
    private static partial Regex Jwt();

    [GeneratedRegex(@"cac_[a-z0-9]{22}(@example\.com)?(?![\w-])")]
    private static partial Regex Email();

    [GeneratedRegex(@"sbx_at_[\w-]{43}")]
    private static partial Regex ProviderToken();

    [GeneratedRegex(@"(?<![\w-])v1\.[\w-]{64}(?![\w-])")]
    private static partial Regex RefreshToken();

    [GeneratedRegex(@"auth0\|[0-9a-f]{24}")]
    private static partial Regex UserId();

    [GeneratedRegex(@"(?<![\w-])(cac|fct|con|cgr|sess|rt)_[0-9A-Za-z]{16,22}(?![\w-])")]
    private static partial Regex PrefixedId();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")]
    private static partial Regex Instant();

    [GeneratedRegex(@"(?<![\w-])[0-9a-f]{24}(?![\w-])")]
    private static partial Regex ApiId();

    [GeneratedRegex(@"(?<![\w-])[0-9A-Za-z]{64}(?![\w-])")]
    private static partial Regex ClientSecret();

    [GeneratedRegex(@"(?<![\w-])[0-9A-Za-z]{32}(?![\w-])")]
    private static partial Regex ClientId();

    [GeneratedRegex(@"(?<![\w-])[\w-]{86,}(?![\w-])")]
    private static partial Regex KeyPart();

    [GeneratedRegex(@"(?<![\w-])[\w-]{43}(?![\w-])")]
    private static partial Regex Random();
}
