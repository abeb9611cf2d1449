using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>What goes when an account is disconnected: the account, its tokenset, and whatever could bring it back (T-CF-08).</summary>
internal static class AccountRemoval
{
    public static Batch Of(ConnectedAccount account)
    {
        var pending = ConnectRequest.PendingIndex(account.UserId, account.ConnectionId);
        return new Batch().DeleteIndexed("account", account.Id).DeleteIndexed(pending.Name, pending.Value);
    }
}
