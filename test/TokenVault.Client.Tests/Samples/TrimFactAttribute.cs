using System.Runtime.InteropServices;

namespace TokenVault.Client.Tests.Samples;

/// <summary>Needs the runtime that a trimmed program is made of, which no ordinary build fetches.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TrimFactAttribute : FactAttribute
{
    public TrimFactAttribute()
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var pack = Path.Combine($"microsoft.netcore.app.runtime.{RuntimeInformation.RuntimeIdentifier}", Environment.Version.ToString(3));
        Skip = Directory.Exists(Path.Combine(packages, pack)) ? null : $"{pack} is not among the NuGet packages: publish any program self-contained once.";
    }
}
