namespace TokenVault.Server.Storage;

/// <summary>The observers of one storage. An observer that throws is reported and stops nobody else, least of all the commit.</summary>
internal sealed partial class ChangeFeed(ILogger logger)
{
    private readonly Lock _gate = new();

    // Replaced as a whole, so that publishing takes no lock.
    private volatile Action<Change>[] _observers = [];

    public IDisposable Add(Action<Change> observer)
    {
        lock (_gate)
        {
            _observers = [.. _observers, observer];
        }

        return new Subscription(this, observer);
    }

    public void Publish(Change change)
    {
        foreach (var observer in _observers)
        {
            try
            {
                observer(change);
            }
            catch (Exception e)
            {
                ObserverFailed(logger, change.Kind, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "An observer of storage changes failed on a change of kind {Kind}.")]
    private static partial void ObserverFailed(ILogger logger, string? kind, Exception exception);

    private void Remove(Action<Change> observer)
    {
        lock (_gate)
        {
            var index = Array.IndexOf(_observers, observer);
            if (index >= 0)
            {
                _observers = [.. _observers[..index], .. _observers[(index + 1)..]];
            }
        }
    }

    private sealed class Subscription(ChangeFeed feed, Action<Change> observer) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                feed.Remove(observer);
            }
        }
    }
}
