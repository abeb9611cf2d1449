using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Conventions;

public sealed class ArchitectureTests
{
    private const int LongestFile = 300;

    /// <summary>From the top down; the last group may use each other.</summary>
    private static readonly string[] Slices = ["OAuth", "Mcp", "Exchange", "Approvals", "Accounts", "Tokensets", "LogStreams", "Actions", "Connections", "Clients", "Users"];

    private static readonly string[] Ground = ["Audit", "Protocol", "Keys", "Storage", "Http", "Diagnostics"];

    [Fact]
    public void Slices_depend_only_downward()
    {
        var wrong = new List<string>();
        foreach (var file in SourceTree.Files("src/TokenVault.Server"))
        {
            var slice = SourceTree.Name(file).Split('/')[2];
            var rank = Array.IndexOf(Slices, slice);
            if (rank < 0 && !Ground.Contains(slice))
            {
                continue;
            }

            var forbidden = rank < 0 ? Slices : Slices[..rank];
            var names = Regex.Matches(File.ReadAllText(file), @"\bTokenVault\.Server\.(\w+)").Select(match => match.Groups[1].Value);
            wrong.AddRange(names.Distinct().Where(name => forbidden.Contains(name) || name == "Demo").Select(name => $"{SourceTree.Name(file)} names {name}"));
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void T_SC_06_only_the_demo_verb_reaches_the_demo()
    {
        var others = SourceTree.Files("src/TokenVault.Server")
            .Where(file => !SourceTree.Name(file).Contains("/Demo/", StringComparison.Ordinal))
            .Where(file => Regex.IsMatch(File.ReadAllText(file), @"\bDemo\."))
            .Select(SourceTree.Name);

        others.ShouldBe(["src/TokenVault.Server/Program.cs"]);
    }

    [Fact]
    public void Files_are_short()
    {
        var long_ = SourceTree.Files("src", "test", "bench", "samples")
            .Select(file => (Name: SourceTree.Name(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > LongestFile);

        long_.ShouldBeEmpty();
    }

    [Fact]
    public void Namespaces_equal_folders()
    {
        var wrong = SourceTree.Files("src", "test", "bench", "samples")
            .Where(file => Regex.Match(File.ReadAllText(file), @"^namespace ([\w.]+);", RegexOptions.Multiline) is { Success: true } match
                // A sample may be called what a type of a library is: McpServer.
                && match.Groups[1].Value.Replace("TokenVault.Samples.", "", StringComparison.Ordinal) != string.Join('.', SourceTree.Name(file).Split('/')[1..^1]))
            .Select(SourceTree.Name);

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void The_server_exports_nothing_and_leaves_nothing_open_to_inheritance()
    {
        var wrong = ServerTypes()
            .Where(type => type.IsVisible || (type.IsClass && !type.IsSealed && !type.IsAbstract && !type.IsSubclassOf(typeof(Exception))))
            .Where(type => !ServerTypes().Any(other => other.BaseType == type))
            .Select(type => type.FullName);

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Constructors_take_at_most_six_things()
    {
        var wrong = ServerTypes()
            .Where(type => type.IsClass && type.GetMethod("<Clone>$") is null)
            .Where(type => type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Any(constructor => constructor.GetParameters().Count(parameter => !parameter.ParameterType.Name.StartsWith("ILogger", StringComparison.Ordinal)) > 6))
            .Select(type => type.FullName);

        wrong.ShouldBeEmpty();
    }

    /// <summary>
    /// The JSON source generator sets an init-only member that a stored body lacks to its type's default, not to its initializer:
    /// a member with another default has to have a setter, or rows of an older version would read wrongly.
    /// </summary>
    [Fact]
    public void Stored_members_with_a_default_keep_it_when_a_row_of_an_older_version_lacks_them()
    {
        var wrong =
            from type in ServerTypes()
            where type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecord<>)) && !type.IsInterface
            from member in Reachable(type).Distinct()
            let instance = RuntimeHelpers.GetUninitializedObject(member)
            let made = member.GetConstructor(Type.EmptyTypes) is null ? null : Activator.CreateInstance(member)
            where made is not null
            from property in member.GetProperties(BindingFlags.Instance | BindingFlags.Public)
            where property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true
            where !Equals(property.GetValue(made), property.GetValue(instance))
            select $"{member.Name}.{property.Name}";

        wrong.ShouldBeEmpty();
    }

    private static IEnumerable<Type> Reachable(Type type) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Select(property => property.PropertyType)
            .SelectMany(property => property.IsGenericType ? property.GetGenericArguments() : [property])
            .Where(property => property.Assembly == type.Assembly && property.IsClass)
            .SelectMany(Reachable)
            .Prepend(type);

    private static IEnumerable<Type> ServerTypes() =>
        typeof(IStorage).Assembly.GetTypes()
            .Where(type => type.Namespace?.StartsWith("TokenVault.Server", StringComparison.Ordinal) == true)
            .Where(type => !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: true) && !type.Name.Contains('<', StringComparison.Ordinal));
}
