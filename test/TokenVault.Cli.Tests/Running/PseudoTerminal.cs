using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace TokenVault.Cli.Tests.Running;

/// <summary>The tool in a real terminal, which the test reads and types into, as a person does: it types when it sees what it waits for.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class PseudoTerminal : IAsyncDisposable
{
    public const string Enter = "\r";
    public const string Down = "\u001b[B";
    public const string Interrupt = "\u0003";

    private const int ReadWriteNoControl = 0x2 | 0x100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly FileStream _master;
    private readonly Process _process;
    private readonly Task _reading;
    private readonly Lock _lock = new();
    private readonly StringBuilder _raw = new();
    private readonly SemaphoreSlim _news = new(0);
    private int _seen;

    private PseudoTerminal(FileStream master, Process process)
    {
        _master = master;
        _process = process;
        _reading = Task.Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Everything that came, control sequences included.</summary>
    public string Raw
    {
        get
        {
            lock (_lock)
            {
                return _raw.ToString();
            }
        }
    }

    /// <summary>What a person sees of it.</summary>
    public string Text => ControlSequence().Replace(Raw, "").Replace("\r", "", StringComparison.Ordinal);

    public static PseudoTerminal Start(Desk desk, int columns, params string[] arguments)
    {
        var descriptor = OpenPseudoTerminal(ReadWriteNoControl);
        if (descriptor < 0 || Grant(descriptor) != 0 || Unlock(descriptor) != 0)
        {
            throw new InvalidOperationException("There is no pseudo-terminal.");
        }

        var name = Marshal.PtrToStringUTF8(NameOf(descriptor))!;
        // A program that was started in the background, as the tests may have been, would hear of no interruption.
        var start = desk.StartInfo("sh", ["-c", $"exec <\"$PTY\" >\"$PTY\" 2>\"$PTY\"; stty cols {columns} rows 50; exec setsid -cw env --default-signal=INT,QUIT \"$0\" \"$@\"", Desk.Tool, .. arguments]);
        start.Environment["PTY"] = name;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = false;
        var master = new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0);
        return new PseudoTerminal(master, Process.Start(start)!);
    }

    /// <summary>Waits until the text is there, after what was waited for before.</summary>
    public async Task SeeAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var now = Text;
            var at = now.IndexOf(text, Math.Min(_seen, now.Length), StringComparison.Ordinal);
            if (at >= 0)
            {
                _seen = at + text.Length;
                return;
            }

            try
            {
                await _news.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Never saw “{text}” in:\n{Text}");
            }

            if (_reading.IsCompleted && !Text[Math.Min(_seen, Text.Length)..].Contains(text, StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"It ended without “{text}”:\n{Text}");
            }
        }
    }

    public void Type(string keys) => _master.Write(Encoding.UTF8.GetBytes(keys));

    /// <summary>Sees a question and answers it.</summary>
    public async Task AnswerAsync(string question, string keys)
    {
        await SeeAsync(question);
        Type(keys);
    }

    public async Task<int> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading.WaitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _reading.WaitAsync(Patience);
        _process.Dispose();
        _master.Dispose();
        _news.Dispose();
    }

    private void Read()
    {
        var buffer = new byte[4096];
        var decoder = Encoding.UTF8.GetDecoder();
        var text = new char[4096];
        while (true)
        {
            int length;
            try
            {
                length = _master.Read(buffer);
            }
            catch (IOException)
            {
                // EIO: nobody has the other end open any more.
                length = 0;
            }

            if (length == 0)
            {
                _news.Release();
                return;
            }

            var count = decoder.GetChars(buffer, 0, length, text, 0);
            lock (_lock)
            {
                _raw.Append(text, 0, count);
            }

            // Where is the cursor? A terminal answers that.
            if (text.AsSpan(0, count).Contains("\u001b[6n", StringComparison.Ordinal))
            {
                Type("\u001b[1;1R");
            }

            _news.Release();
        }
    }

    [GeneratedRegex("\u001b(\\[[0-?]*[ -/]*[@-~]|\\][^\u0007\u001b]*(\u0007|\u001b\\\\)|[=>()][0B]?)", RegexOptions.NonBacktracking)]
    private static partial Regex ControlSequence();

    [LibraryImport("libc", EntryPoint = "posix_openpt")]
    private static partial int OpenPseudoTerminal(int flags);

    [LibraryImport("libc", EntryPoint = "grantpt")]
    private static partial int Grant(int descriptor);

    [LibraryImport("libc", EntryPoint = "unlockpt")]
    private static partial int Unlock(int descriptor);

    [LibraryImport("libc", EntryPoint = "ptsname")]
    private static partial nint NameOf(int descriptor);
}
