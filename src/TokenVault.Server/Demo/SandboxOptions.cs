using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Demo;

/// <summary>How the sandbox provider behaves. The people are signed in already: it approves what a known client asks for.</summary>
internal sealed record SandboxOptions
{
    public string ClientId { get; init; } = "sandbox-client";

    public string ClientSecret { get; init; } = "sandbox-secret";

    /// <summary>Which redirect URIs the client has registered.</summary>
    public required Func<string, bool> AcceptsRedirect { get; init; }

    /// <summary>The first one is signed in unless <c>login_hint</c> names another by subject or e-mail address.</summary>
    public IReadOnlyList<SandboxPerson> People { get; init; } =
    [
        new("ada", "Ada Lovelace", "ada@sandbox.example"),
        new("grace", "Grace Hopper", "grace@sandbox.example"),
    ];

    public SandboxRotation Rotation { get; init; } = SandboxRotation.SingleUse;

    /// <summary>Whether a refresh that names fewer scopes brings a token of fewer (RFC 6749 §6); else it is as if it named none.</summary>
    public bool Downscopes { get; init; }

    public TimeSpan AccessTokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>With <see cref="SandboxRotation.Overlap"/>: how long a used refresh token goes on working.</summary>
    public TimeSpan OverlapWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>0: any free port.</summary>
    public int Port { get; init; }

    /// <summary>Makes the key that id_tokens are signed with, when it is first needed.</summary>
    public Func<RSA> NewKey { get; init; } = () => RSA.Create(2048);

    /// <summary>With one, the sandbox speaks TLS.</summary>
    public X509Certificate2? Certificate { get; init; }
}

/// <summary>Somebody with an account at the sandbox.</summary>
internal sealed record SandboxPerson(string Subject, string Name, string Email);

/// <summary>What becomes of a refresh token that was used.</summary>
internal enum SandboxRotation
{
    /// <summary>It stays; answers to a refresh carry none.</summary>
    Stable,

    /// <summary>It goes on working for a while beside its successor; each use brings another one.</summary>
    Overlap,

    /// <summary>Shown again, it brings the same successor again, until that has been used itself.</summary>
    Replay,

    /// <summary>It is dead, and its successor is in the answer.</summary>
    SingleUse,

    /// <summary>As <see cref="SingleUse"/>; and whoever shows it again ends the whole grant (RFC 9700 §4.14.2).</summary>
    FamilyRevoking,
}
