namespace TokenVault.Client;

internal enum SubjectTokenKind
{
    RefreshToken,
    AccessToken,
    Worker,
}
