using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;

namespace TokenVault.Cli.Resources;

/// <summary>
/// A collection of the Management API as commands: list, show, create, update and delete. What a command adds to these it adds in its own file.
/// </summary>
internal sealed record Resource
{
    private static readonly Argument<string> Id = new("id") { Description = "Its id, as the list shows it" };

    /// <summary>The command, as in apps.</summary>
    public required string Name { get; init; }

    /// <summary>One of them, as in application.</summary>
    public required string Noun { get; init; }

    /// <summary>Of the path.</summary>
    public required string Collection { get; init; }

    /// <summary>The member of a list that holds them.</summary>
    public required string Member { get; init; }

    /// <summary>The member that is the id.</summary>
    public required string IdMember { get; init; }

    public required IReadOnlyList<Column> Columns { get; init; }

    public required IReadOnlyList<Field> Fields { get; init; }

    /// <summary>The options of an example of create.</summary>
    public required string Example { get; init; }

    /// <summary>What else goes when one is deleted.</summary>
    public required string DeletionNote { get; init; }

    /// <summary>Changes the body before it is sent; the item is null for a new one.</summary>
    public Func<JsonObject, JsonObject?, JsonObject> Complete { get; init; } = (body, _) => body;

    public Command ToCommand() => new Command(Name, $"The {Noun}s. Without a subcommand: list them.\n\nExamples:\n  tokenvault {Name}\n  tokenvault {Name} --json\n  tokenvault {Name} show ID")
    {
        new Command("list", $"List the {Noun}s.\n\nExamples:\n  tokenvault {Name} list --json").Runs(ListAsync),
        new Command("show", $"Show one with all its members, without secrets.\n\nExamples:\n  tokenvault {Name} show ID --json") { Id }.Runs(ShowAsync),
        WithFields(new Command("create", $"Make one.\n\nExamples:\n  tokenvault {Name} create {Example}\n  tokenvault {Name} create --body {Noun}.json"), isNew: true).Runs(CreateAsync),
        WithFields(new Command("update", $"Change one. What is not named stays.\n\nExamples:\n  tokenvault {Name} update ID --body changes.json") { Id }, isNew: false).Runs(UpdateAsync),
        new Command("delete", $"Delete one; {DeletionNote}. It asks first.\n\nExamples:\n  tokenvault {Name} delete ID\n  tokenvault {Name} delete ID --yes") { Id, Confirmation.Yes }.Runs(DeleteAsync),
    }.Runs(ListAsync);

    private async Task<int> ListAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        var items = await run.Screen.WorkingAsync($"Reading the {Noun}s", step => api.ListAsync(Collection, Member, cancellationToken, soFar: count => step($"{count} {Noun}s read")));
        return Listing.Show(run, items, Columns);
    }

    private async Task<int> ShowAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        return Listing.ShowOne(run, await FindAsync(api, run.Get(Id)!, cancellationToken));
    }

    private async Task<int> CreateAsync(Invocation run, CancellationToken cancellationToken)
    {
        var body = Complete(ResourceBody.Read(run, Fields), null);
        using var secret = SecretOutput.Of(run);
        using var api = await run.OpenAsync(cancellationToken);
        var made = (await api.SendAsync(HttpMethod.Post, Collection, body, CancellationToken.None)).Json!;
        run.Screen.Done($"Made the {Noun} {Answer.Text(made, IdMember)}.");
        secret.Keep(made);
        return Listing.ShowOne(run, made);
    }

    private async Task<int> UpdateAsync(Invocation run, CancellationToken cancellationToken)
    {
        var body = ResourceBody.Read(run, Fields.Where(field => !field.OnlyNew));
        using var api = await run.OpenAsync(cancellationToken);
        var current = await FindAsync(api, run.Get(Id)!, cancellationToken);
        var changed = (await api.SendAsync(HttpMethod.Patch, PathOf(run.Get(Id)!), Complete(body, current), cancellationToken)).Json!;
        run.Screen.Done($"Changed the {Noun} {run.Get(Id)}.");
        return Listing.ShowOne(run, changed);
    }

    private async Task<int> DeleteAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        var item = await FindAsync(api, run.Get(Id)!, cancellationToken);
        if (!Confirmation.Given(run, $"Delete the {Noun} {Answer.Text(item, "name") ?? Answer.Text(item, "email")} ({run.Get(Id)})? {DeletionNote}."))
        {
            return ExitCode.Failed;
        }

        await api.SendAsync(HttpMethod.Delete, PathOf(run.Get(Id)!), body: null, cancellationToken);
        run.Screen.Done($"Deleted the {Noun} {run.Get(Id)}.");
        return ExitCode.Done;
    }

    private async Task<JsonObject> FindAsync(ManagementApi api, string id, CancellationToken cancellationToken) =>
        await api.FindAsync(PathOf(id), cancellationToken) as JsonObject
        ?? throw new ToolException(ExitCode.Usage, $"There is no {Noun} with the id {id}.", $"tokenvault {Name} lists those there are.");

    private string PathOf(string id) => $"{Collection}/{Uri.EscapeDataString(id)}";

    private Command WithFields(Command command, bool isNew)
    {
        foreach (var field in Fields.Where(field => isNew || !field.OnlyNew))
        {
            command.Options.Add(field.Option);
        }

        command.Options.Add(ResourceBody.File);
        if (isNew)
        {
            command.Options.Add(SecretOutput.File);
        }

        return command;
    }
}
