using System.Globalization;
using System.Text;
using QRCoder;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users.Factors;

/// <summary>A QR code as inline SVG: no image to load, and nothing that the page's policy would have to allow.</summary>
internal static class QrCode
{
    private const int PixelsOfModule = 4;

    public static Html Svg(string content, string label)
    {
        using var data = QRCodeGenerator.GenerateQrCode(content, QRCodeGenerator.ECCLevel.M);
        var size = data.ModuleMatrix.Count;
        var path = new StringBuilder();
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                if (data.ModuleMatrix[y][x])
                {
                    path.Append(CultureInfo.InvariantCulture, $"M{x} {y}h1v1h-1z");
                }
            }
        }

        var side = Text(size);
        var shown = Text(size * PixelsOfModule);

        // The colours are its own: a scanner does not read light on dark.
        return Html.Of($"""
            <svg role="img" aria-label="{label}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{shown}" height="{shown}" shape-rendering="crispEdges">
            <rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path.ToString()}"/></svg>
            """);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
