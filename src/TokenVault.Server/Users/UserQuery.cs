using System.Diagnostics.CodeAnalysis;
using System.Text;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users;

/// <summary>
/// Reads a search: <c>field:value</c>, <c>field:"some text"</c>, <c>field:(a OR b)</c>, wildcards, ranges <c>[a TO b]</c> and <c>{a TO b}</c>,
/// <c>_exists_:field</c>, put together with AND, OR, NOT and parentheses.
/// </summary>
internal sealed class UserQuery
{
    private const int Deepest = 16;
    private const string Syntax = "()[]{}\":";

    /// <summary>What a word may hold beside letters and digits; with anything else in it, it is put in quotation marks.</summary>
    private const string Bare = "_-.@+|/*?";

    private readonly string _text;
    private int _at;
    private int _depth;

    private UserQuery(string text) => _text = text;

    public static bool TryParse(string text, [NotNullWhen(true)] out UserTerm? term, [NotNullWhen(false)] out string? problem)
    {
        var query = new UserQuery(text);
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

    private UserTerm ReadOr(string? field)
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

    private UserTerm ReadAnd(string? field)
    {
        var left = ReadNot(field);
        while (TakeWord("AND"))
        {
            left = new AndTerm(left, ReadNot(field));
        }

        return left;
    }

    private UserTerm ReadNot(string? field)
    {
        var negated = false;
        while (TakeWord("NOT"))
        {
            negated = !negated;
        }

        var term = ReadPrimary(field);
        return negated ? new NotTerm(term) : term;
    }

    private UserTerm ReadPrimary(string? field)
    {
        switch (Peek())
        {
            case '(':
                _at++;
                var inner = ReadOr(field);
                Demand(')');
                return inner;
            case '"':
                return new EqualTerm(field, ReadQuoted());
            case '[' or '{' when field is not null:
                return ReadRange(field);
        }

        var start = _at;
        var word = ReadWord();
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

        return word.Exists(part => part.Wild) ? new WildcardTerm(field, new Wildcard(word)) : new EqualTerm(field, Plain(word));
    }

    private UserTerm ReadValue(string field)
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
            if (!escaped && character != ':' && !char.IsLetterOrDigit(character) && !Bare.Contains(character))
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
        var end = _at + word.Length;
        var there = string.CompareOrdinal(_text, _at, word, 0, word.Length) == 0
            && (end >= _text.Length || char.IsWhiteSpace(_text[end]) || _text[end] is '(' or '"');
        _at = there ? end : _at;
        return there;
    }

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
