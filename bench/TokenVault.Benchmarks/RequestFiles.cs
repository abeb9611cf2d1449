namespace TokenVault.Benchmarks;

/// <summary>Bodies of requests, a file for each kind, one a line.</summary>
internal sealed class RequestFiles(string directory)
{
    private readonly Dictionary<string, StreamWriter> _files = new(StringComparer.Ordinal);

    public string this[string kind] => Path.Combine(directory, kind.Replace(' ', '-') + ".requests");

    public void Add(string kind, string body)
    {
        if (!_files.TryGetValue(kind, out var file))
        {
            _files[kind] = file = new StreamWriter(this[kind]);
        }

        file.WriteLine(body);
    }

    public void Close()
    {
        foreach (var file in _files.Values)
        {
            file.Dispose();
        }
    }
}
