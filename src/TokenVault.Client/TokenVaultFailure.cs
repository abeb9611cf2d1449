namespace TokenVault.Client;

/// <summary>Why the server did not do what it was asked, by what the caller does next. The list is closed within a major version.</summary>
public enum TokenVaultFailure
{
    /// <summary>The user has no account at the connection. Let them connect one.</summary>
    NotConnected,

    /// <summary>There is an account, but its grant is over. Let the user connect again.</summary>
    ReauthorizationRequired,

    /// <summary>The account lacks <see cref="TokenVaultException.MissingScopes"/>. Let the user connect again with them.</summary>
    InsufficientScope,

    /// <summary>The provider or the server is away or busy, or did not answer in time. Send the same again after <see cref="TokenVaultException.RetryAfter"/>; do not ask the user.</summary>
    TemporarilyUnavailable,

    /// <summary>
    /// The user has to approve this exchange, and is being asked: <see cref="TokenVaultException.Approval"/> says where. Send the same again after
    /// <see cref="TokenVaultException.RetryAfter"/>.
    /// </summary>
    ApprovalRequired,

    /// <summary>The client, the connection or the user may not, or the user has denied it. An operator has to change the set-up.</summary>
    PolicyDenied,

    /// <summary>The user's token is not valid any more. Sign the user in again; a worker: check its key and the user.</summary>
    SubjectRejected,

    /// <summary>The user has to sign in again with a second factor.</summary>
    MultiFactorRequired,

    /// <summary>The server does not know the client, or not by these credentials: deleted, revoked or set up wrongly.</summary>
    ClientRejected,

    /// <summary>The request is wrong: an unknown connection, an id that is none, an account connected meanwhile. A bug or a set-up to mend.</summary>
    InvalidRequest,

    /// <summary>The user, or their time running out at the provider, ended the connecting. Offer to begin anew.</summary>
    ConnectFailed,

    /// <summary>The user said no to the approval.</summary>
    ApprovalDenied,

    /// <summary>The approval was not given in time, or is not known any more. Ask anew.</summary>
    ApprovalExpired,

    /// <summary>The user has nowhere to be asked for an approval.</summary>
    ApprovalUnavailable,

    /// <summary>The server does not offer this.</summary>
    NotSupported,

    /// <summary>This machine's clock and the server's differ by <see cref="TokenVaultException.ClockSkew"/>: what is signed here is not valid there.</summary>
    ClockSkew,

    /// <summary>The server's discovery document names another issuer than <see cref="TokenVaultOptions.Issuer"/>: a wrong address, or somebody in between.</summary>
    WrongIssuer,

    /// <summary>No TLS connection that can be trusted: an unknown authority, another name, an expired certificate.</summary>
    UntrustedServer,

    /// <summary>The answer cannot be understood: something else than a Token Vault answers there.</summary>
    InvalidAnswer,
}
