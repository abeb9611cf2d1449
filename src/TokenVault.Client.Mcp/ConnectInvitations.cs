using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using TokenVault.Client.AspNetCore;

namespace TokenVault.Client.Mcp;

/// <summary>
/// The addresses by which users are sent to connect, and who waits for them. An address holds all that it stands for, sealed, so that any node
/// can serve it; that a call waits is known in its own process only.
/// </summary>
internal sealed class ConnectInvitations(
    IDataProtectionProvider protection, TimeProvider time, IHttpContextAccessor accessor, IOptions<TokenVaultConnectOptions> connect, IOptions<TokenVaultMcpOptions> options)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>A client that calls again and again fills no memory: of its user's invitations the oldest are waited for no longer.</summary>
    private const int MostPerUser = 20;

    private readonly IDataProtector _protector = protection.CreateProtector("TokenVault.McpConnect.v1");
    private readonly ConcurrentDictionary<string, Waiter> _waiting = new(StringComparer.Ordinal);

    public TimeSpan Wait => options.Value.Wait;

    /// <param name="done">Told when the user is back, connected or not.</param>
    public (ConnectInvitation Invitation, string Url) Invite(string user, string connection, IReadOnlyList<string> scopes, Func<string, Task> done)
    {
        var now = time.GetUtcNow();
        var theirs = _waiting.Where(entry => entry.Value.User == user).OrderBy(entry => entry.Value.Until).ToArray();
        foreach (var over in _waiting.Where(entry => entry.Value.Until < now).Concat(theirs.SkipLast(MostPerUser - 1)))
        {
            _waiting.TryRemove(over);
        }

        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var invitation = new ConnectInvitation(id, user, connection, scopes, now + Lifetime);
        _waiting[id] = new Waiter(user, invitation.Until, () => done(id));
        var text = _protector.Protect(JsonSerializer.Serialize(invitation, InvitationJson.Default.ConnectInvitation));
        return (invitation, $"{Origin()}{options.Value.Path}?invitation={text}");
    }

    /// <returns>Null: not ours, or too old.</returns>
    public ConnectInvitation? Open(string? text)
    {
        try
        {
            return text is not null && JsonSerializer.Deserialize(_protector.Unprotect(text), InvitationJson.Default.ConnectInvitation) is { } invitation
                && invitation.Until > time.GetUtcNow() ? invitation : null;
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Returns when the user of the invitation is back, or after <see cref="TokenVaultMcpOptions.Wait"/>.</summary>
    /// <param name="id">As the client gave it: perhaps nobody's, or another user's.</param>
    /// <returns>Whether they are back.</returns>
    public async Task<bool> WaitAsync(string? id, string user, CancellationToken cancellationToken)
    {
        if (id is null || !_waiting.TryGetValue(id, out var waiter) || waiter.User != user)
        {
            return false;
        }

        try
        {
            await waiter.Back.Task.WaitAsync(Wait, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>The user is back.</summary>
    public async Task ReturnedAsync(string id, string user)
    {
        if (_waiting.TryGetValue(id, out var waiter) && waiter.User == user)
        {
            waiter.Back.TrySetResult();
            await waiter.Done();
        }
    }

    private string Origin()
    {
        if (connect.Value.Origin is { } origin)
        {
            return origin;
        }

        return accessor.HttpContext?.Request is { } request
            ? $"{request.Scheme}://{request.Host}{request.PathBase}"
            : throw new InvalidOperationException("TokenVaultConnectOptions.Origin is not set, and there is no HTTP request to take it from.");
    }

    private sealed record Waiter(string User, DateTimeOffset Until, Func<Task> Done)
    {
        public TaskCompletionSource Back { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
