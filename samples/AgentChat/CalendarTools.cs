using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client;
using TokenVault.Client.Agents;

namespace AgentChat;

/// <summary>What the model may do. It sees names, descriptions and parameters, and no token.</summary>
internal static class CalendarTools
{
    public static IReadOnlyList<AIFunction> Create(IServiceProvider services, string connection)
    {
        var calendar = services.GetRequiredService<CalendarApi>();
        var user = services.GetRequiredService<SignedIn>();

        var list = AIFunctionFactory.Create(calendar.ListAsync, "list_events", "What is on today.")
            .WithTokenVault(connection, "calendar.read");

        // Writing needs more of the provider, and the user's approval of this very event.
        var add = AIFunctionFactory.Create(calendar.AddAsync, "add_event", "Adds an event to today's calendar.")
            .WithApproval(arguments => new ApprovalRequest(user.Id, $"Add {arguments["title"]} at {arguments["at"]}"))
            .WithTokenVault(connection, "calendar.read", "calendar.write");
        return [list, add];
    }
}
