using System.Reflection;
using System.Runtime.CompilerServices;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Tests.Conventions;

public sealed class ArchitectureTests
{
    private static readonly Assembly Tool = typeof(PlainText).Assembly;

    [Fact]
    public void The_tool_knows_nothing_of_the_server_but_its_http() =>
        Tool.GetReferencedAssemblies().Select(assembly => assembly.Name!)
            .Where(name => name.StartsWith("tokenvault", StringComparison.OrdinalIgnoreCase) || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal))
            .ShouldBeEmpty();

    [Fact]
    public void The_tool_exports_nothing_and_leaves_nothing_open_to_inheritance() =>
        Types().Where(type => type.IsVisible || (type.IsClass && !type.IsSealed && !type.IsAbstract)).Select(type => type.FullName).ShouldBeEmpty();

    [Fact]
    public void Constructors_take_at_most_six_things() =>
        Types().Where(type => type.IsClass && type.GetMethod("<Clone>$") is null)
            .Where(type => type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(c => c.GetParameters().Length > 6))
            .Select(type => type.FullName)
            .ShouldBeEmpty();

    private static IEnumerable<Type> Types() =>
        Tool.GetTypes().Where(type =>
            type.Namespace?.StartsWith("TokenVault.Cli", StringComparison.Ordinal) == true
            && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: true)
            && !type.Name.Contains('<', StringComparison.Ordinal));
}
