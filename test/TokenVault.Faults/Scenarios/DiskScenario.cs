using System.Diagnostics;
using TokenVault.Faults.Checks;
using TokenVault.Faults.World;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// A node whose disk is full loses the database in the middle of refreshes, and is then killed (F-10, F-34): the answers are in its
/// spool, whose space was taken beforehand, and come home when both are back.
/// </summary>
internal static class DiskScenario
{
    /// <summary>The spool takes 16 MiB; a certificate authority and a few kilobytes stand beside it.</summary>
    private const int DiskMegabytes = 18;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(Scene scene)
    {
        var disk = Directory.CreateDirectory(Path.Combine(scene.Keeper.Directory, "disk", "mount")).FullName;
        if (Mount(disk) is { } problem)
        {
            scene.Ledger.Skipped = $"No small disk can be mounted here: {problem}";
            return;
        }

        await using var world = await scene.WorldAsync(
            new WorldPlan(Nodes: 2, Users: 2, Factor: 1), node => node == 1 ? Directory.CreateDirectory(Path.Combine(disk, "data")).FullName : null);
        Fill(disk);
        var check = new RoundCheck(world, scene.Ledger, new AuditTrail(world.Storage));
        for (var round = 0; round < scene.Sizes.DiskRounds; round++)
        {
            try
            {
                await RoundAsync(scene, world, check, disk);
            }
            catch (Exception e)
            {
                throw new FaultsException($"{e}\n{world.Errors}");
            }

            scene.Round(scene.Sizes.DiskRounds);
            if (round + 1 < scene.Sizes.DiskRounds)
            {
                // What came home from the spool is fresh for an hour; only here is it wanted again while the killed node's lease still runs.
                await Scene.WaitAsync(RefreshLease.Duration);
            }
        }

        if (scene.Ledger.Irreducible > 0)
        {
            scene.Ledger.Misses.Enqueue("the spool had been written: nothing may be lost");
        }
    }

    private static async Task RoundAsync(Scene scene, VaultWorld world, RoundCheck check, string disk)
    {
        var full = world.Nodes[1];
        var grants = world.Callers.Grants;

        // All of them have decided and none has answered when the database goes.
        var (decided, answer) = (0, new FakeGate());
        var allDecided = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var provider in world.Providers)
        {
            provider.Fake.Refreshes.At = (call, stage, cancellationToken) =>
            {
                if (stage != FakeRefreshStage.Committed)
                {
                    return Task.CompletedTask;
                }

                if (Interlocked.Increment(ref decided) == grants.Count)
                {
                    allDecided.TrySetResult();
                }

                return answer.HoldAsync(cancellationToken);
            };
        }

        foreach (var grant in grants)
        {
            await world.ExpireAsync(grant);
        }

        var calls = grants.Select(grant => world.Callers.ExchangeAsync(full, grant)).ToList();
        await DecidedAsync(allDecided.Task, calls);
        foreach (var provider in world.Providers)
        {
            provider.Fake.Refreshes.At = null;
        }

        await scene.Database.CrashAsync();
        answer.Release();
        await SpooledAsync(Path.Combine(disk, "data", "refresh.spool"), Path.Combine(scene.Keeper.Directory, "spool"), grants.Count);
        await full.KillAsync();
        await Task.WhenAll(calls);
        await scene.Database.StartAgainAsync();
        await full.StartAsync();
        foreach (var grant in grants)
        {
            await check.FollowAsync(grant);
        }
    }

    /// <exception cref="FaultsException">Some were answered without their provider, or not at all; says how.</exception>
    private static async Task DecidedAsync(Task allDecided, List<Task<ExchangeOutcome>> calls)
    {
        try
        {
            await allDecided.WaitAsync(Patience, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            var early = calls.Where(call => call.IsCompletedSuccessfully).Select(call => $"{call.Result.Kind} {call.Result.Text}");
            throw new FaultsException($"not all providers were asked; {calls.Count} callers, answered: {string.Join("; ", early)}");
        }
    }

    /// <summary>Reads the spool as it lies on the disk: a slot is taken when its first four bytes are not zero.</summary>
    private static async Task SpooledAsync(string file, string copy, int answers)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var taken = Taken(file, copy);
            if (taken >= answers)
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                throw new FaultsException($"only {taken} of {answers} answers are in the spool");
            }

            await Scene.WaitAsync(TimeSpan.FromMilliseconds(100));
        }
    }

    private static int Taken(string file, string copy)
    {
        const int slotSize = 64 * 1024;

        // The node holds a lock on the file, which a program that knows of none does not mind.
        using (var cp = Process.Start("cp", [file, copy]))
        {
            cp.WaitForExit();
        }

        var spool = File.ReadAllBytes(copy);
        return Enumerable.Range(0, spool.Length / slotSize).Count(slot => spool.AsSpan(slot * slotSize, sizeof(int)).ContainsAnyExcept((byte)0));
    }

    private static string? Mount(string directory)
    {
        var start = new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", $"size={DiskMegabytes}m", "tokenvault-faults", directory])
        {
            RedirectStandardError = true,
        };
        using var mount = Process.Start(start)!;
        var error = mount.StandardError.ReadToEnd();
        mount.WaitForExit();
        return mount.ExitCode == 0 ? null : error.Trim();
    }

    /// <summary>To the last byte.</summary>
    private static void Fill(string disk)
    {
        using var file = new FileStream(Path.Combine(disk, "ballast"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        var ballast = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(ballast);
            }
        }
        catch (IOException)
        {
            // ENOSPC, as intended.
        }
    }
}
