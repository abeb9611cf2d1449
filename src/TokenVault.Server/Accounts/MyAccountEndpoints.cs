using System.Text.Json;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Accounts;

/// <summary>The My Account API: a user's connected accounts, in the hands of the user's application.</summary>
internal sealed class MyAccountEndpoints(
    MyAccountGate gate, ConnectFlow connect, ConnectCompletion completion, AccountDisconnection disconnection, MyAccountLists lists)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        const string root = "/me/v1/connected-accounts";
        routes.MapPost(root + "/connect", gate.For(Wire.CreateConnectedAccounts, ConnectAsync));
        routes.MapPost(root + "/complete", gate.For(Wire.CreateConnectedAccounts, CompleteAsync));
        routes.MapGet(root + "/accounts", gate.For(Wire.ReadConnectedAccounts, lists.AccountsAsync));
        routes.MapDelete(root + "/accounts/{id}", gate.For(Wire.DeleteConnectedAccounts, disconnection.DeleteAsync));
        routes.MapGet(root + "/connections", gate.For(Wire.ReadConnectedAccounts, lists.ConnectionsAsync));
        routes.Map("/me/{**rest}", context => MyAccountProblem.NotFound("There is no such resource.").WriteAsync(context));
    }

    private async Task<MyAccountProblem?> ConnectAsync(HttpContext context, AccessToken caller)
    {
        var (body, unreadable) = await ReadAsync(context);
        if (unreadable is not null)
        {
            return unreadable;
        }

        if (ConnectBody.Read(body, out var wanted) is { } invalid)
        {
            return invalid;
        }

        var (ticket, problem) = await connect.StartAsync(caller, wanted!, context.RequestAborted);
        if (ticket is null)
        {
            return problem;
        }

        await OAuthResponse.WriteAsync(context, 201, writer =>
        {
            // Without a query: SDKs append "?ticket=…" themselves.
            writer.WriteString("connect_uri", gate.Issuer + ConnectBrowserLeg.ConnectPath[1..]);
            writer.WriteString("auth_session", ticket.Session.Reveal());
            writer.WriteStartObject("connect_params");
            writer.WriteString("ticket", ticket.Ticket.Reveal());
            writer.WriteEndObject();
            writer.WriteNumber("expires_in", (int)ConnectFlow.TicketLifetime.TotalSeconds);
        });
        return null;
    }

    private async Task<MyAccountProblem?> CompleteAsync(HttpContext context, AccessToken caller)
    {
        var (body, unreadable) = await ReadAsync(context);
        if (unreadable is not null)
        {
            return unreadable;
        }

        if (CompleteBody.Read(body, out var complete) is { } invalid)
        {
            return invalid;
        }

        var trace = MyAccountEvents.Event(AuditType.ConnectedAccountSucceeded, context, caller.UserId!, caller.ClientId);
        var (account, problem) = await completion.CompleteAsync(caller, complete!, trace, context.RequestAborted);
        if (account is null)
        {
            return problem;
        }

        await OAuthResponse.WriteAsync(context, 201, writer => MyAccountLists.Write(writer, account));
        return null;
    }

    private static async ValueTask<(JsonElement Body, MyAccountProblem? Problem)> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            return (default, new MyAccountProblem(415, "Unsupported Media Type", "The body must be application/json."));
        }

        var body = await JsonBody.ReadAsync(context.Request, context.RequestAborted);
        if (body.Error is { } error)
        {
            return (default, new MyAccountProblem(error.Status, "Bad Request", error.Message));
        }

        return body.Root.ValueKind == JsonValueKind.Object
            ? (body.Root, null)
            : (default, MyAccountProblem.Invalid("The body must be a JSON object."));
    }
}
