using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace TokenVault.Server.Clients;

/// <summary>
/// A certificate's subject in the one form that is compared: its attributes, in the order of the certificate, each with its object
/// identifier and its value. How a name is printed differs from tool to tool, and so do the string types that it is encoded in (T-CA-09).
/// </summary>
internal static class SubjectName
{
    public static bool IsReadable(string name)
    {
        try
        {
            return Canonical(name).Length > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <exception cref="CryptographicException">The text is no distinguished name.</exception>
    public static string Canonical(string name) => Canonical(new X500DistinguishedName(name));

    /// <summary>Null when nobody can be told by it: it is empty, or has something in it that is not compared.</summary>
    public static string? Of(X509Certificate2 certificate)
    {
        try
        {
            return Canonical(certificate.SubjectName) is { Length: > 0 } name ? name : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <exception cref="CryptographicException">The name has an attribute that is not text.</exception>
    private static string Canonical(X500DistinguishedName name)
    {
        var text = new StringBuilder();
        foreach (var part in name.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (part.HasMultipleElements)
            {
                throw new CryptographicException("An element with several attributes.");
            }

            // The length keeps a value that looks like the next attribute from being taken for it.
            var value = part.GetSingleElementValue() ?? throw new CryptographicException("An attribute that is not text.");
            text.Append(text.Length == 0 ? "" : ",").Append(part.GetSingleElementType().Value).Append('=').Append(value.Length).Append(':').Append(value);
        }

        return text.ToString();
    }
}
