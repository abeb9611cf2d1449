using System.Globalization;
using TokenVault.Server.Http;

namespace TokenVault.Server.Audit;

/// <summary>Reads a search, from left to right; <c>OR</c> binds less than what stands side by side.</summary>
internal sealed class LogQueryParser(string text)
{
    private const int DeepestNesting = 10;
    private const int MostTerms = 50;

    private int _at;
    private int _terms;
    private bool _failed;

    public LogTerm? Parse()
    {
        var term = Alternatives(depth: 0);
        SkipSpace();
        return _failed || _at < text.Length ? null : term;
    }

    private LogTerm Alternatives(int depth)
    {
        var terms = new List<LogTerm> { Sequence(depth) };
        while (!_failed && TakeWord("OR"))
        {
            terms.Add(Sequence(depth));
        }

        return terms.Count == 1 ? terms[0] : new LogTerm.Or(terms);
    }

    private LogTerm Sequence(int depth)
    {
        var terms = new List<LogTerm> { Negation(depth) };
        while (!_failed && (TakeWord("AND") || HasMore()))
        {
            terms.Add(Negation(depth));
        }

        return terms.Count == 1 ? terms[0] : new LogTerm.And(terms);
    }

    private bool HasMore()
    {
        SkipSpace();
        return _at < text.Length && text[_at] != ')' && !IsWord("OR");
    }

    private LogTerm Negation(int depth) =>
        TakeWord("NOT") || Take('-') || Take('!') ? new LogTerm.Not(Single(depth)) : Single(depth);

    private LogTerm Single(int depth)
    {
        SkipSpace();
        if (++_terms > MostTerms || depth > DeepestNesting || _at == text.Length || IsWord("AND") || IsWord("OR"))
        {
            return Fail();
        }

        if (Take('('))
        {
            var inner = Alternatives(depth + 1);
            return Take(')') ? inner : Fail();
        }

        if (Value() is not var (first, pattern))
        {
            return Fail();
        }

        if (!Take(':', skipSpace: false))
        {
            return new LogTerm.Word(pattern is null ? value => value.Contains(first, StringComparison.OrdinalIgnoreCase) : pattern.Anywhere().Fits);
        }

        return first == "_exists_" ? (Value() is var (field, _) ? new LogTerm.Exists(field) : Fail()) : OfField(first);
    }

    private LogTerm OfField(string field)
    {
        SkipSpace();
        if (_at < text.Length && text[_at] is '[' or '{')
        {
            return Range(field);
        }

        return Value() switch
        {
            null => Fail(),
            (_, null) value => new LogTerm.Equal(field, value.Text),
            ("*", _) => new LogTerm.Exists(field),
            var (_, pattern) => new LogTerm.Like(field, pattern),
        };
    }

    private LogTerm Range(string field)
    {
        var fromIncluded = text[_at++] == '[';
        if (Value() is not var (from, _) || !TakeWord("TO") || Value() is not var (to, _))
        {
            return Fail();
        }

        SkipSpace();
        var toIncluded = _at < text.Length && text[_at] == ']';
        return toIncluded || (_at < text.Length && text[_at] == '}')
            ? Advance(new LogTerm.Between(field, Bound(field, from), Bound(field, to), fromIncluded, toIncluded))
            : Fail();
    }

    /// <summary>An instant in the form that entries have; a day stays one.</summary>
    private static string Bound(string field, string value) =>
        field == "date" && value.Length > 10 && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? WireJson.Date(at)
            : value;

    private LogTerm Advance(LogTerm term)
    {
        _at++;
        return term;
    }

    /// <summary>A quoted text, or what stands until the next space or bracket; a colon ends a name but not a date.</summary>
    private (string Text, Wildcard? Pattern)? Value()
    {
        SkipSpace();
        if (_at < text.Length && text[_at] == '"')
        {
            return Quoted() is { } quoted ? (quoted, null) : null;
        }

        var start = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && text[_at] is not ('(' or ')' or '[' or ']' or '{' or '}' or '"') && !EndsName(start))
        {
            _at++;
        }

        return _at == start ? null : Wildcard.Read(text.AsSpan(start, _at - start));
    }

    private bool EndsName(int start) => text[_at] == ':' && !char.IsDigit(text[start]) && text[start..(_at)].All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '$');

    private string? Quoted()
    {
        var value = new System.Text.StringBuilder();
        for (_at++; _at < text.Length; _at++)
        {
            if (text[_at] == '"')
            {
                _at++;
                return value.ToString();
            }

            if (text[_at] == '\\' && _at + 1 < text.Length)
            {
                _at++;
            }

            value.Append(text[_at]);
        }

        return null;
    }

    private bool TakeWord(string word)
    {
        SkipSpace();
        if (!IsWord(word))
        {
            return false;
        }

        _at += word.Length;
        return true;
    }

    private bool IsWord(string word) =>
        text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal)
        && (_at + word.Length == text.Length || char.IsWhiteSpace(text[_at + word.Length]) || text[_at + word.Length] == '(');

    private bool Take(char sign, bool skipSpace = true)
    {
        if (skipSpace)
        {
            SkipSpace();
        }

        if (_at == text.Length || text[_at] != sign)
        {
            return false;
        }

        _at++;
        return true;
    }

    private void SkipSpace()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private LogTerm.Word Fail()
    {
        _failed = true;
        return new LogTerm.Word(_ => false);
    }
}
