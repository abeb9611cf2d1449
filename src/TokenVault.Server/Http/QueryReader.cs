using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace TokenVault.Server.Http;

/// <summary>Query parameters, each parsed once. It remembers the first problem; parameters nobody asks for are ignored.</summary>
internal sealed class QueryReader(IQueryCollection query)
{
    private const int LongestValue = 2048;
    private ManagementError? _error;

    public bool Refused([NotNullWhen(true)] out ManagementError? error)
    {
        error = _error;
        return error is not null;
    }

    /// <summary>Whether the parameter is there at all, be it empty.</summary>
    public bool Has(string name) => query.ContainsKey(name) || query.ContainsKey(name + "[]");

    /// <summary>The value, or null when it is absent or empty; a parameter given twice is refused.</summary>
    public string? Text(string name)
    {
        var values = query[name];
        if (values.Count > 1)
        {
            Refuse("The parameter is given more than once", name);
            return null;
        }

        var value = values.Count == 0 ? null : values[0];
        if (value is { Length: > LongestValue })
        {
            Refuse($"The value is longer than {LongestValue} characters", name);
            return null;
        }

        return string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>All values of a parameter that may be repeated, also as <c>name[]</c>.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        var values = query[name].Concat(query[name + "[]"]).OfType<string>().Where(value => value.Length > 0).ToList();
        if (values.Count > 100 || values.Exists(value => value.Length > LongestValue))
        {
            Refuse("Too many or too long values", name);
            return [];
        }

        return values;
    }

    public bool? Flag(string name)
    {
        var text = Text(name);
        switch (text)
        {
            case null:
                return null;
            case "true":
                return true;
            case "false":
                return false;
            default:
                Refuse("Expected type boolean", name);
                return null;
        }
    }

    public int Number(string name, int absent, int min, int max)
    {
        var text = Text(name);
        if (text is null)
        {
            return absent;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Refuse($"Expected an integer from {min} to {max}", name);
        return absent;
    }

    public void Refuse(string problem, string name) => _error ??= ManagementError.InvalidQuery(problem, name);
}
