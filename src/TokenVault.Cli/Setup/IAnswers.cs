using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>Where the answers come from that no flag gives: a person, or nowhere.</summary>
internal interface IAnswers
{
    Flavor Flavor();

    /// <returns>The id of an existing application; null for a new one.</returns>
    Task<string?> ApplicationAsync(ManagementApi api, CancellationToken cancellationToken);

    /// <param name="option">The flag that answers it.</param>
    /// <param name="offered">What is answered by an empty answer; null: nothing is.</param>
    string Text(string question, string option, string? offered = null);

    string Secret(string question, string option);

    bool Confirm(string question, string option, bool offered);

    string Choose(string question, string option, IReadOnlyList<(string Value, string Label)> choices);

    Task<IReadOnlyList<string>> ConnectionsAsync(ManagementApi api, CancellationToken cancellationToken);

    /// <returns>The strategy of a connection that is to be made; null for none.</returns>
    string? NewConnection();

    /// <summary>Something that is good to know at this point.</summary>
    void Tell(string text);
}
