using System.Diagnostics.CodeAnalysis;

namespace TokenVault.Server.Protocol;

/// <summary>A value, or the protocol error to answer with. Bugs are exceptions; outcomes of the protocol are values.</summary>
internal readonly struct Outcome<T>
    where T : notnull
{
    private readonly T? _value;

    private Outcome(T? value, OAuthError? error)
    {
        _value = value;
        Error = error;
    }

    public OAuthError? Error { get; }

    /// <exception cref="InvalidOperationException">There is an error instead.</exception>
    public T Value => Error is null && _value is not null ? _value : throw new InvalidOperationException("The outcome is an error.");

    public bool Failed([NotNullWhen(true)] out OAuthError? error)
    {
        error = Error;
        return error is not null;
    }

    public static Outcome<T> Success(T value) => new(value, error: null);

    public static implicit operator Outcome<T>(T value) => new(value, error: null);

    public static implicit operator Outcome<T>(OAuthError error) => new(default, error);
}

/// <summary>For values whose static type is an interface, which has no implicit conversion.</summary>
internal static class Outcome
{
    public static Outcome<T> Of<T>(T value)
        where T : notnull => Outcome<T>.Success(value);
}
