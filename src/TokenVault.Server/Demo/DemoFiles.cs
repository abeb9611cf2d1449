using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Demo;

/// <summary>What a kept demo tells the programs that use it: a file for the shell, and the files that it names. They go with the demo.</summary>
internal sealed class DemoFiles : IDisposable
{
    /// <summary>A killed demo leaves its files, and the next one may have their place; nobody else's.</summary>
    private const string Mark = "# Written by tokenvault-server demo --keep.";

    private readonly string _directory;
    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly List<string> _written = [];

    /// <exception cref="StartupException">The directory cannot be made, or has something else in it.</exception>
    public DemoFiles(string directory)
    {
        _directory = Path.GetFullPath(directory);
        Environment = Path.Combine(directory, "env");
        Try(() => Directory.CreateDirectory(_directory));
        if (Directory.EnumerateFileSystemEntries(_directory).Any() && !IsOurs(Environment))
        {
            throw new StartupException($"{directory} has other files in it: name an empty directory, or one that is not there yet.");
        }
    }

    /// <summary>The file for the shell, as the user names it.</summary>
    public string Environment { get; }

    public string this[string variable] => _variables[variable];

    public void Set(string variable, string value) => _variables[variable] = value;

    /// <summary>A file that only its owner reads, and the variable that says where it is.</summary>
    public void Write(string name, string text, string? variable = null)
    {
        var path = Path.Combine(_directory, name);
        Try(() => PrivateFile.Write(path, Encoding.UTF8.GetBytes(text), PrivateFile.OwnerReadsAndWrites, replace: true));
        _written.Add(path);
        if (variable is not null)
        {
            Set(variable, path);
        }
    }

    public void Copy(string name, string source, string variable) => Write(name, File.ReadAllText(source), variable);

    /// <summary>For <c>. env</c>.</summary>
    public void WriteEnvironment() =>
        Write("env", Mark + '\n' + string.Concat(_variables.Select(pair => $"export {pair.Key}='{pair.Value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n")));

    public void Dispose() => _written.ForEach(File.Delete);

    private static bool IsOurs(string file) => File.Exists(file) && File.ReadLines(file).FirstOrDefault() == Mark;

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(e.Message);
        }
    }
}
