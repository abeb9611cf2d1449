using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using TokenVault.Client;

namespace AgentWorker;

/// <summary>Reports what is on in its users' calendars, now and then every hour; none of them is present.</summary>
internal sealed class CalendarReport(TokenVaultClient vault, Calendar calendar, IConfiguration settings, TimeProvider time) : BackgroundService
{
    private readonly TokenRequest _wanted = new(settings["TOKENVAULT_CONNECTION"]!, "calendar.read");
    private readonly string[] _users = settings["WORKER_USERS"]!.Split(',');
    private readonly TimeSpan _every = TimeSpan.Parse(settings["WORKER_EVERY"] ?? "01:00:00", CultureInfo.InvariantCulture);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_every, time);
        do
        {
            foreach (var user in _users)
            {
                Console.WriteLine($"{user}: {await ReportAsync(user, stoppingToken)}");
            }

            Console.WriteLine($"Done; the next time in {_every}.");
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<string> ReportAsync(string user, CancellationToken cancellationToken)
    {
        // The reason goes into the server's log, and nowhere else: no personal data.
        var subject = SubjectToken.ForWorker(user, "Hourly calendar report");
        try
        {
            var token = await vault.GetTokenAsync(subject, _wanted, cancellationToken);
            var events = await calendar.ListAsync(token, cancellationToken);
            return string.Join(", ", events.Select(e => $"{e.Title} at {e.At}"));
        }
        catch (TokenVaultException e) when (e.UserCanConnect)
        {
            return $"has to connect a calendar first ({e.Failure})";
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.TemporarilyUnavailable)
        {
            return "the next time: " + e.Message;
        }
        catch (HttpRequestException e)
        {
            if (e.StatusCode is HttpStatusCode.Unauthorized)
            {
                vault.Forget(subject, _wanted);
            }

            return "the next time: " + e.Message;
        }

        // Whatever else it is, an operator has to mend it: the worker stops, and says why.
    }
}
