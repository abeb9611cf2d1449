namespace TokenVault.Client.Agents;

/// <summary>Thrown by a tool when the provider did not take the token: the user is asked to connect again, instead of the tool failing.</summary>
/// <remarks>An <see cref="HttpRequestException"/> with status 401, as <c>EnsureSuccessStatusCode</c> throws it, does the same.</remarks>
public sealed class ProviderRefusedException : Exception
{
    /// <summary>The provider refused.</summary>
    /// <param name="message">What the user reads. No token.</param>
    public ProviderRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>The provider refused.</summary>
    /// <param name="message">What the user reads. No token.</param>
    /// <param name="innerException">How it said so.</param>
    public ProviderRefusedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The provider refused.</summary>
    public ProviderRefusedException()
        : this("The provider did not accept the token.")
    {
    }
}
