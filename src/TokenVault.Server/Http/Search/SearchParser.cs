using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace TokenVault.Server.Http.Search;

/// <summary>
/// Reads a search: <c>field:value</c>, <c>field:"some text"</c>, <c>field:(a OR b)</c>, wildcards, ranges <c>[a TO b]</c> and <c>{a TO b}</c>,
/// <c>_exists_:field</c>, put together with AND, OR, NOT and parentheses: the part of the search language of Auth0 that consoles use. It is
/// decided here, never by a database's language (T-EN-12).
/// </summary>
internal sealed class SearchParser
{
    private const int Deepest = 11;
    private const int MostTerms = 50;
    private const string Syntax = "()[]{}\":";

    /// <summary>What a word may hold beside letters and digits; with anything else in it, it is put in quotation marks.</summary>
    private const string Bare = "_-.@+|/*?";

    private readonly string _text;
    private readonly SearchSubject _subject;
    private int _at;
    private int _depth;
    private int _terms;

    private SearchParser(string text, SearchSubject subject) => (_text, _subject) = (text, subject);

    public static bool TryParse(string text, SearchSubject subject, [NotNullWhen(true)] out SearchTerm? term, [NotNullWhen(false)] out string? problem)
    {
        // No field holds one, and it would hide the rest of the query.
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            (term, problem) = (null, "The query contains a NUL character");
            return false;
        }

        var query = new SearchParser(text, subject);
        try
        {
            term = query.ReadOr(field: null);
            problem = query.AtEnd ? null : $"Unexpected text at position {query._at}; terms are joined by AND or OR";
        }
        catch (FormatException e)
        {
            (term, problem) = (null, e.Message);
        }

        return problem is null && term is not null;
    }

    private bool AtEnd => Peek() == '\0';

    private SearchTerm ReadOr(string? field)
    {
        if (++_depth > Deepest)
        {
            throw new FormatException("The query is nested too deeply");
        }

        var left = ReadAnd(field);
        while (TakeWord("OR"))
        {
            left = new OrTerm(left, ReadAnd(field));
        }

        _depth--;
        return left;
    }

    private SearchTerm ReadAnd(string? field)
    {
        var left = ReadNot(field);
        while (TakeWord("AND") || (_subject.SideBySide && field is null && HasMore()))
        {
            left = new AndTerm(left, ReadNot(field));
        }

        return left;
    }

    private SearchTerm ReadNot(string? field)
    {
        var negated = false;
        while (TakeWord("NOT") || TakeSign('-') || TakeSign('!'))
        {
            negated = !negated;
        }

        var term = ReadPrimary(field);
        return negated ? new NotTerm(term) : term;
    }

    private SearchTerm ReadPrimary(string? field)
    {
        if (++_terms > MostTerms)
        {
            throw new FormatException("The query has too many terms");
        }

        switch (Peek())
        {
            case '(':
                _at++;
                var inner = ReadOr(field);
                Demand(')');
                return inner;
            case '"':
                return Equal(field, ReadQuoted());
            case '[' or '{' when field is not null:
                return ReadRange(field);
        }

        var start = _at;
        var word = ReadWord(colons: field is not null && _subject.AnySigns);
        if (word.Count == 0)
        {
            throw new FormatException(AtEnd ? "The query ends too early" : $"Unexpected text at position {_at}");
        }

        if (field is null && Peek() == ':')
        {
            _at++;
            return ReadValue(Plain(word));
        }

        // A lone word that is an operator is one that lacks its other side.
        if (_text[start.._at].Trim() is "AND" or "OR" or "NOT" or "TO")
        {
            throw new FormatException($"An operator stands alone at position {start}");
        }

        return word.Exists(part => part.Wild) ? Like(field, new Wildcard(word)) : Equal(field, Plain(word));
    }

    private SearchTerm Equal(string? field, string text)
    {
        if (field is not null)
        {
            return new EqualTerm(field, text);
        }

        return new WordTerm(_subject.WordFields, _subject.WordsAnywhere
            ? value => value.Contains(text, StringComparison.OrdinalIgnoreCase)
            : value => value.Equals(text, StringComparison.OrdinalIgnoreCase));
    }

    private SearchTerm Like(string? field, Wildcard pattern) => field is not null
        ? new WildcardTerm(field, pattern)
        : new WordTerm(_subject.WordFields, (_subject.WordsAnywhere ? pattern.Anywhere() : pattern).Fits);

    private SearchTerm ReadValue(string field)
    {
        if (field == "_exists_")
        {
            return new ExistsTerm(Plain(ReadWord()) is { Length: > 0 } path ? path : throw new FormatException("A field is missing after _exists_"));
        }

        return ReadPrimary(field);
    }

    private RangeTerm ReadRange(string field)
    {
        var includesLow = _text[_at++] == '[';
        var low = ReadBound();
        if (!TakeWord("TO"))
        {
            throw new FormatException($"Expected TO at position {_at}");
        }

        var high = ReadBound();
        var close = Peek();
        if (close is not (']' or '}'))
        {
            throw new FormatException($"Expected ] or }} at position {_at}");
        }

        _at++;
        return new RangeTerm(field, low, includesLow, high, close == ']');
    }

    private string? ReadBound()
    {
        if (Peek() == '"')
        {
            return ReadQuoted();
        }

        // Instants have colons in them.
        var word = ReadWord(colons: true);
        return word is [('*', true)] ? null : word.Count > 0 ? Plain(word) : throw new FormatException($"A bound is missing at position {_at}");
    }

    private string ReadQuoted()
    {
        var text = new StringBuilder();
        for (_at++; _at < _text.Length; _at++)
        {
            if (_text[_at] == '"')
            {
                _at++;
                return text.ToString();
            }

            text.Append(_text[_at] == '\\' && _at + 1 < _text.Length ? _text[++_at] : _text[_at]);
        }

        throw new FormatException("A quotation mark is missing");
    }

    private List<(char Character, bool Wild)> ReadWord(bool colons = false)
    {
        SkipSpace();
        var word = new List<(char, bool)>();
        while (_at < _text.Length && !char.IsWhiteSpace(_text[_at]) && (!Syntax.Contains(_text[_at], StringComparison.Ordinal) || (colons && _text[_at] == ':')))
        {
            var escaped = _text[_at] == '\\' && _at + 1 < _text.Length;
            var character = escaped ? _text[++_at] : _text[_at];
            if (!escaped && !_subject.AnySigns && character != ':' && !char.IsLetterOrDigit(character) && !Bare.Contains(character))
            {
                throw new FormatException($"The word at position {_at} needs quotation marks");
            }

            word.Add((character, !escaped && (character is '*' or '?')));
            _at++;
        }

        return word;
    }

    private static string Plain(List<(char Character, bool Wild)> word) => string.Concat(word.Select(part => part.Character));

    private bool TakeWord(string word)
    {
        SkipSpace();
        var there = IsWord(word);
        _at += there ? word.Length : 0;
        return there;
    }

    private bool IsWord(string word)
    {
        var end = _at + word.Length;
        return string.CompareOrdinal(_text, _at, word, 0, word.Length) == 0
            && (end >= _text.Length || char.IsWhiteSpace(_text[end]) || _text[end] is '(' or '"');
    }

    private bool TakeSign(char sign)
    {
        var there = Peek() == sign && _at + 1 < _text.Length && !char.IsWhiteSpace(_text[_at + 1]);
        _at += there ? 1 : 0;
        return there;
    }

    private bool HasMore() => !AtEnd && Peek() != ')' && !IsWord("OR");

    private void Demand(char character)
    {
        if (Peek() != character)
        {
            throw new FormatException($"Expected {character} at position {_at}");
        }

        _at++;
    }

    private char Peek()
    {
        SkipSpace();
        return _at < _text.Length ? _text[_at] : '\0';
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }
}
