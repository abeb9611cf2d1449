namespace TokenVault.Server.Demo;

/// <summary>What the demo prints, and what it insists on.</summary>
internal static class DemoScript
{
    private const int Shown = 14;

    public static void Title(string title, string text) => Console.WriteLine($"\n{title}: {text}\n");

    public static void Step(string name, string text) => Console.WriteLine($"✓ {name,-11} {text}");

    /// <summary>A value beside a step; secrets are shortened.</summary>
    public static void Value(string name, string? value, bool shorten = true)
    {
        var text = value is null ? "—" : shorten && value.Length > Shown ? $"{value[..Shown]}… ({value.Length} characters)" : value;
        Console.WriteLine($"  {"",-11} {name}: {text}");
    }

    public static void Expect(Answer answer, int status, string what) =>
        Require(answer.Status == status, $"{what} answered {answer.Status}, not {status}: {(answer.Text.Length == 0 ? "" : answer["error"] ?? answer["detail"])}");

    public static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new DemoFailedException(problem);
        }
    }
}

/// <summary>The server did not do what the demo shows.</summary>
internal sealed class DemoFailedException(string message) : Exception(message);
