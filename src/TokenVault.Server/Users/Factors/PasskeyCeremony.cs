using System.Buffers.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>Registers and verifies passkeys (WebAuthn §7), by ASP.NET Core Identity's handler.</summary>
internal sealed class PasskeyCeremony(IStorage storage, TokenVaultOptions options, TimeProvider time)
{
    private const int LongestCredential = 16 * 1024;
    private const int MostPasskeys = 10;
    private const int MostTransports = 8;

    private readonly IOptions<IdentityPasskeyOptions> _settings = Options.Create(Settings(new Uri(options.Issuer)));

    public async ValueTask<PasskeyOffer> OfferNewAsync(HttpContext context, FactorVisit visit)
    {
        var user = visit.User;
        var name = user.Email ?? user.Username ?? user.UserId;
        var entity = new PasskeyUserEntity { Id = PasskeyStore.HandleOf(user), Name = name, DisplayName = user.Name ?? name };
        var made = await Handler(visit).MakeCreationOptionsAsync(entity, context);
        return new PasskeyOffer(made.CreationOptionsJson, made.AttestationState ?? "");
    }

    public async ValueTask<PasskeyOffer> OfferAsync(HttpContext context, FactorVisit visit)
    {
        var made = await Handler(visit).MakeRequestOptionsAsync(visit.User, context);
        return new PasskeyOffer(made.RequestOptionsJson, made.AssertionState ?? "");
    }

    /// <summary>The factors with the new passkey; null when it is not what was asked for.</summary>
    public async ValueTask<(UserFactors Factors, Passkey Passkey)?> RegisterAsync(HttpContext context, FactorVisit visit, string credential)
    {
        if (credential.Length > LongestCredential || visit.Factors.Passkeys.Count >= MostPasskeys)
        {
            return null;
        }

        var asked = new PasskeyAttestationContext { HttpContext = context, CredentialJson = credential, AttestationState = visit.Factor.Ceremony };
        var result = await Handler(visit).PerformAttestationAsync(asked);
        if (!result.Succeeded || result.UserEntity.Id != PasskeyStore.HandleOf(visit.User))
        {
            return null;
        }

        var made = result.Passkey;
        var passkey = new Passkey
        {
            Id = Identifier.Factor("passkey"),
            CredentialId = Base64Url.EncodeToString(made.CredentialId),
            PublicKey = Base64Url.EncodeToString(made.PublicKey),
            SignCount = made.SignCount,
            Transports = [.. (made.Transports ?? []).Where(transport => transport.Length <= 32).Take(MostTransports)],
            UserVerified = made.IsUserVerified,
            BackupEligible = made.IsBackupEligible,
            BackedUp = made.IsBackedUp,
            CreatedAt = time.GetUtcNow(),
        };
        return (visit.Factors with { Passkeys = [.. visit.Factors.Passkeys, passkey] }, passkey);
    }

    /// <summary>The factors after the use of a passkey of the user's; null when it was none, or the challenge was answered before.</summary>
    public async ValueTask<(UserFactors Factors, Passkey Passkey)?> UseAsync(HttpContext context, FactorVisit visit, string credential)
    {
        if (credential.Length > LongestCredential)
        {
            return null;
        }

        var asked = new PasskeyAssertionContext { HttpContext = context, CredentialJson = credential, AssertionState = visit.Factor.Ceremony };
        var result = await Handler(visit).PerformAssertionAsync(asked);
        if (!result.Succeeded)
        {
            return null;
        }

        var id = Base64Url.EncodeToString(result.Passkey.CredentialId);
        var stored = visit.Factors.Passkeys.Single(passkey => passkey.CredentialId == id);
        if (visit.Factor.ShownAt <= stored.LastUsedAt)
        {
            return null;
        }

        var used = stored with { SignCount = result.Passkey.SignCount, BackedUp = result.Passkey.IsBackedUp, LastUsedAt = time.GetUtcNow() };
        var all = visit.Factors.Passkeys.Select(passkey => ReferenceEquals(passkey, stored) ? used : passkey);
        return (visit.Factors with { Passkeys = [.. all], Failures = 0, FailedAt = null }, used);
    }

    public static string MethodOf(Passkey passkey) => passkey.BackupEligible ? AuthenticationMethod.SoftwareKey : AuthenticationMethod.HardwareKey;

    private static IdentityPasskeyOptions Settings(Uri issuer)
    {
        var origin = issuer.GetLeftPart(UriPartial.Authority);
        return new IdentityPasskeyOptions
        {
            ServerDomain = issuer.Host,
            UserVerificationRequirement = "preferred",
            ResidentKeyRequirement = "discouraged",
            AttestationConveyancePreference = "none",

            // By default it goes by the Host header, which is whatever the caller says.
            ValidateOrigin = context => ValueTask.FromResult(context.Origin == origin && !context.CrossOrigin),
        };
    }

    private PasskeyHandler<User> Handler(FactorVisit visit)
    {
        var store = new PasskeyStore(storage, visit.User, visit.Factors);
#pragma warning disable CA2000 // It holds nothing but the store, which holds nothing.
        var users = new UserManager<User>(
            store, Options.Create(new IdentityOptions()), new PasswordHasher<User>(), [], [], new UpperInvariantLookupNormalizer(), new IdentityErrorDescriber(),
            services: null!, NullLogger<UserManager<User>>.Instance);
#pragma warning restore CA2000
        return new PasskeyHandler<User>(users, _settings);
    }
}

/// <param name="Options">JSON for the browser.</param>
/// <param name="Ceremony">What the answer is to be held against.</param>
internal sealed record PasskeyOffer(string Options, string Ceremony);
