namespace TokenVault.Server;

/// <summary>What the operator asks of the keys.</summary>
internal enum KeysVerb
{
    List,
    Rotate,
    RotateRoot,
    Rewrap,
    Verify,
}

/// <summary>The verbs as they are written.</summary>
internal static class KeysVerbs
{
    private static readonly (string[] Words, KeysVerb Verb)[] All =
    [
        (["list"], KeysVerb.List),
        (["rotate"], KeysVerb.Rotate),
        (["rotate", "--root"], KeysVerb.RotateRoot),
        (["rewrap"], KeysVerb.Rewrap),
        (["verify"], KeysVerb.Verify),
    ];

    public static KeysVerb? Parse(string[] words)
    {
        foreach (var (known, verb) in All)
        {
            if (words.SequenceEqual(known, StringComparer.Ordinal))
            {
                return verb;
            }
        }

        return null;
    }

    public static string Write(KeysVerb verb) => string.Join(' ', All.First(known => known.Verb == verb).Words);
}
