using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace TokenVault.Server.Http;

/// <summary>A piece of HTML. Whatever is interpolated into one is encoded, unless it is itself such a piece (T-UI-01, T-UI-02).</summary>
internal sealed class Html
{
    private readonly string _markup;

    private Html(string markup) => _markup = markup;

    public static Html Empty { get; } = new("");

    public static Html Of(Interpolation markup) => new(markup.Markup());

    public static Html Join(IEnumerable<Html> pieces) => new(string.Concat(pieces.Select(piece => piece._markup)));

    public override string ToString() => _markup;

    /// <summary>The compiler builds this from an interpolated string.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Interpolation
    {
        private readonly StringBuilder _markup;

        public Interpolation(int literalLength, int formattedCount) => _markup = new StringBuilder(literalLength + (formattedCount * 32));

        public void AppendLiteral(string markup) => _markup.Append(markup);

        public void AppendFormatted(string? text) => _markup.Append(HtmlEncoder.Default.Encode(text ?? ""));

        public void AppendFormatted(Html piece) => _markup.Append(piece._markup);

        public string Markup() => _markup.ToString();
    }
}
