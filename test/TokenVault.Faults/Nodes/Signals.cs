using System.ComponentModel;
using System.Runtime.InteropServices;

namespace TokenVault.Faults.Nodes;

/// <summary>Linux's signals, sent to processes of this harness only.</summary>
internal static partial class Signals
{
    private const int SigKill = 9;
    private const int SigContinue = 18;
    private const int SigStop = 19;

    public static void Kill(int process) => Send(process, SigKill);

    public static void Stop(int process) => Send(process, SigStop);

    public static void Continue(int process) => Send(process, SigContinue);

    private static void Send(int process, int signal)
    {
        if (SendSignal(process, signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
