namespace TokenVault.Cli.Profiles;

/// <summary>One run of the tool at a time: whoever changes the profiles holds it. It ends with the process, however that ends.</summary>
internal sealed class ProfileTurn : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly FileStream _file;

    private ProfileTurn(FileStream file) => _file = file;

    public static async Task<ProfileTurn> TakeAsync(string profiles, CancellationToken cancellationToken)
    {
        PrivateFile.MakeDirectory(Path.GetDirectoryName(Path.GetFullPath(profiles))!);
        var end = TimeProvider.System.GetUtcNow() + Patience;
        while (true)
        {
            try
            {
                return new ProfileTurn(new FileStream(profiles + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (TimeProvider.System.GetUtcNow() < end)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
