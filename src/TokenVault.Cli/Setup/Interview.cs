using Spectre.Console;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>The conversation in a terminal.</summary>
internal sealed class Interview(Screen screen) : IAnswers
{
    private const int Shown = 12;
    private const string Other = "(another one, by its strategy)";

    private static readonly string[] Strategies =
    [
        "google-oauth2", "github", "linkedin", "windowslive", "facebook", "twitter", "dropbox", "box", "salesforce", "fitbit", "slack", "spotify", "stripe-connect",
        "oidc", "oauth2",
    ];

    public Flavor Flavor() => Flavors.ByName[Choose(
        "What is to be exchanged for a provider's token?", SetupOptions.Flavor.Name, [.. Flavors.ByName.Select(flavor => (flavor.Key, Flavors.Title(flavor.Value)))])];

    public async Task<string?> ApplicationAsync(ManagementApi api, CancellationToken cancellationToken)
    {
        var all = await api.ListAsync("clients", "clients", cancellationToken);
        var usable = all.Where(client => Answer.Text(client, "app_type") is "regular_web" or "non_interactive" && Answer.Text(client, "client_id") is not null);
        var choices = usable.Select(client => (Answer.Text(client, "client_id")!, $"{Answer.Text(client, "name")} ({Answer.Text(client, "client_id")})"));
        var chosen = Choose("Which application?", SetupOptions.ApplicationId.Name, [("", "A new one"), .. choices]);
        return chosen.Length == 0 ? null : chosen;
    }

    public string Text(string question, string option, string? offered = null)
    {
        var prompt = new TextPrompt<string>(Plain(question));
        return screen.Prompt(offered is null ? prompt : offered.Length == 0 ? prompt.AllowEmpty() : prompt.DefaultValue(offered)) ?? "";
    }

    public string Secret(string question, string option) => screen.AskSecret(question, option);

    public bool Confirm(string question, string option, bool offered) => screen.Confirm(question, offered);

    public string Choose(string question, string option, IReadOnlyList<(string Value, string Label)> choices)
    {
        var prompt = new SelectionPrompt<(string Value, string Label)> { Title = Plain(question), PageSize = Shown, Converter = choice => Plain(choice.Label) };
        var (value, label) = screen.Prompt(prompt.AddChoices(choices));
        screen.Line($"{question} {label}");
        return value;
    }

    public async Task<IReadOnlyList<string>> ConnectionsAsync(ManagementApi api, CancellationToken cancellationToken)
    {
        var connections = ConnectionPlan.Usable(await api.ListAsync("connections", "connections", cancellationToken)).ToList();
        if (connections.Count == 0)
        {
            screen.Line("There are no connections yet.");
            return [];
        }

        var labels = connections.ToDictionary(connection => Answer.Text(connection, "name")!, connection => Answer.Text(connection, "strategy"), StringComparer.Ordinal);
        var prompt = new MultiSelectionPrompt<string>
        {
            Title = "Which connections? (space selects, enter goes on)",
            Required = false,
            PageSize = Shown,
            Converter = name => Plain($"{name} ({labels[name]})"),
        };
        var chosen = screen.Prompt(prompt.AddChoices(labels.Keys));
        screen.Line("Connections: " + (chosen.Count == 0 ? "none" : string.Join(", ", chosen)));
        return chosen;
    }

    public string? NewConnection()
    {
        if (!screen.Confirm("Create a connection?", offered: false))
        {
            return null;
        }

        var strategy = Choose("Which provider?", SetupOptions.NewStrategy.Name, [.. Strategies.Append(Other).Select(name => (name, name))]);
        return strategy == Other ? Text("Its strategy:", SetupOptions.NewStrategy.Name) : strategy;
    }

    public void Tell(string text) => screen.Line(text);

    private static string Plain(string text) => Markup.Escape(PlainText.Of(text));
}
