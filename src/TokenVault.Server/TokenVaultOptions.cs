using TokenVault.Server.Keys;

namespace TokenVault.Server;

/// <summary>
/// The operator's settings: section <c>TokenVault</c> of ASP.NET Core's configuration (environment <c>TokenVault__Issuer</c>, …).
/// Validated as a whole at start (see <c>OptionsValidation</c>).
/// </summary>
internal sealed class TokenVaultOptions
{
    public const string Section = "TokenVault";

    /// <summary>The OAuth issuer: <c>https://host[:port]/</c>, with the slash, byte-identical everywhere.</summary>
    public string Issuer { get; set; } = "https://localhost:8443/";

    /// <summary>Where the database, the keys, the local certificate authority and <c>bootstrap.json</c> live.</summary>
    public string DataDirectory { get; set; } = "./data";

    /// <summary>SQLite's file.</summary>
    public string DatabaseFile => Path.Combine(DataDirectory, "vault.db");

    public StorageOptions Storage { get; set; } = new();

    public KeyOptions Keys { get; set; } = new();

    /// <summary>Where the root key is, and where its predecessor may be.</summary>
    public RootKeys RootKeys
    {
        get
        {
            var file = Keys.RootKeyFile ?? Path.Combine(DataDirectory, "root.key");
            return new RootKeys(file, Keys.PreviousRootKeyFile ?? file + ".previous");
        }
    }

    public TlsOptions Tls { get; set; } = new();

    public EgressOptions Egress { get; set; } = new();

    public ProxyOptions Proxy { get; set; } = new();

    public SessionOptions Sessions { get; set; } = new();

    public AuditOptions Audit { get; set; } = new();

    public MultiFactorOptions MultiFactor { get; set; } = new();

    public PasswordOptions Passwords { get; set; } = new();

    public ApprovalOptions Approvals { get; set; } = new();

    public ApiOptions Api { get; set; } = new();

    public PrivilegedWorkerOptions PrivilegedWorker { get; set; } = new();

    public MtlsOptions Mtls { get; set; } = new();

    public ProofOfPossessionOptions ProofOfPossession { get; set; } = new();

    public McpOptions Mcp { get; set; } = new();

    internal sealed class ApiOptions
    {
        /// <summary>Of one caller of the Management API or the My Account API, on one node; 0: without limit.</summary>
        public int RequestsPerSecond { get; set; } = 500;
    }

    internal sealed class AuditOptions
    {
        /// <summary>How many days log entries are kept at least; 0: for ever.</summary>
        public int RetentionDays { get; set; }

        /// <summary>Whether reads of the Management API are logged too; writes always are.</summary>
        public bool ManagementReads { get; set; }
    }

    internal sealed class PasswordOptions
    {
        /// <summary>Of PBKDF2, for the hash of a password.</summary>
        public int Iterations { get; set; } = 100_000;
    }

    internal sealed class MultiFactorOptions
    {
        /// <summary>
        /// While the policy is always: whether tokens of sessions with a second factor may be exchanged. By default the exchange is refused
        /// altogether, as it is at Auth0.
        /// </summary>
        public bool SessionsMayExchange { get; set; }
    }

    internal sealed class StorageOptions
    {
        /// <summary>Absent: SQLite in the data directory. <c>Host=…;Database=…;Username=…;Password=…</c>: PostgreSQL.</summary>
        public string? ConnectionString { get; set; }

        /// <summary>How far this server's clock may be from PostgreSQL's before it is not ready.</summary>
        public TimeSpan ClockTolerance { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>Of users, refresh tokens and tokensets: how many of each, in use lately, are kept in memory; 0 for none.</summary>
        public int RememberedRows { get; set; } = 12_000;
    }

    internal sealed class KeyOptions
    {
        /// <summary>The root key: 32 bytes in base64, readable by the owner only. Absent: <c>root.key</c> in the data directory.</summary>
        public string? RootKeyFile { get; set; }

        /// <summary>The root key's predecessor, while vault keys wrapped by that are stored. Absent: the root key's file and <c>.previous</c>.</summary>
        public string? PreviousRootKeyFile { get; set; }

        /// <summary>How long nothing may have referred to a replaced vault key before it is destroyed.</summary>
        public TimeSpan RetireAfter { get; set; } = TimeSpan.FromDays(30);
    }

    internal sealed class TlsOptions
    {
        /// <summary>PEM. Absent with an issuer on localhost: a local certificate authority makes one.</summary>
        public string? CertificateFile { get; set; }

        /// <summary>PEM, unencrypted, readable by the owner only.</summary>
        public string? KeyFile { get; set; }
    }

    internal sealed class EgressOptions
    {
        /// <summary>Networks (CIDR) that providers may live in although they are not public.</summary>
        public List<string> AllowedNetworks { get; set; } = [];

        /// <summary>PEM: certificate authorities that providers' certificates may come from, besides the system's.</summary>
        public string? CertificateAuthorityFile { get; set; }

        /// <summary>How long a provider may take to answer. A refresh that would lose a rotated token has a longer deadline of its own.</summary>
        public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(15);
    }

    internal sealed class ProxyOptions
    {
        /// <summary>Serve plain HTTP: a trusted proxy in front ends TLS.</summary>
        public bool PlainHttp { get; set; }

        /// <summary>Addresses and networks (CIDR) whose <c>X-Forwarded-For</c> is believed.</summary>
        public List<string> TrustedNetworks { get; set; } = [];
    }

    internal sealed class SessionOptions
    {
        /// <summary>Without use for this long, a sign-in session ends.</summary>
        public TimeSpan IdleLifetime { get; set; } = TimeSpan.FromHours(72);

        /// <summary>A sign-in session ends after this time at the latest.</summary>
        public TimeSpan AbsoluteLifetime { get; set; } = TimeSpan.FromHours(168);
    }
}
