using Microsoft.Extensions.Logging.Abstractions;

namespace TokenVault.Server.Diagnostics;

/// <summary>For what is made before logging is set up: silent until it has its target.</summary>
internal sealed class LateLogger : ILogger
{
    private volatile ILogger _target = NullLogger.Instance;

    public ILogger Target
    {
        get => _target;
        set => _target = value;
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => Target.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => Target.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Target.Log(logLevel, eventId, state, exception, formatter);
}
