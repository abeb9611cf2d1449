using System.Net;

namespace TokenVault.Server.Connections;

/// <summary>
/// A request body that knows whether its sending has begun, and refuses to be sent a second time: a refresh token that went out
/// twice is lost at some providers. It is asked for once the connection stands, so this is the last place to find that it is too late.
/// </summary>
internal sealed class SendOnceContent : HttpContent
{
    private readonly HttpContent _inner;
    private readonly Func<bool> _mayStillSend;
    private int _begun;

    public SendOnceContent(HttpContent inner, Func<bool> mayStillSend)
    {
        _inner = inner;
        _mayStillSend = mayStillSend;
        foreach (var header in inner.Headers)
        {
            Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
    }

    public bool Begun => Volatile.Read(ref _begun) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (!_mayStillSend())
        {
            throw new TooLateToSendException();
        }

        return Interlocked.Exchange(ref _begun, 1) == 0
            ? _inner.CopyToAsync(stream, context, cancellationToken)
            : throw new InvalidOperationException("A provider request is sent once.");
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _inner.Headers.ContentLength ?? 0;
        return _inner.Headers.ContentLength is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>The process stood still before the body left: what gave it the right to send may be another's by now.</summary>
internal sealed class TooLateToSendException() : Exception("The process stood still before the call.");
