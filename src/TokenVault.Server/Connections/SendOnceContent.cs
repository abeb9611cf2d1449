using System.Net;

namespace TokenVault.Server.Connections;

/// <summary>
/// A request body that knows whether its sending has begun, and refuses to be sent a second time: a refresh token that went out
/// twice is lost at some providers.
/// </summary>
internal sealed class SendOnceContent : HttpContent
{
    private readonly HttpContent _inner;
    private int _begun;

    public SendOnceContent(HttpContent inner)
    {
        _inner = inner;
        foreach (var header in inner.Headers)
        {
            Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
    }

    public bool Begun => Volatile.Read(ref _begun) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _begun, 1) == 0
            ? _inner.CopyToAsync(stream, context, cancellationToken)
            : throw new InvalidOperationException("A provider request is sent once.");

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
