using System.Reflection;
using System.Text;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.Conformance;

/// <summary>docs/conformance.md lists the modules that there are, and no others. UPDATE_GOLDEN=1 writes the list anew.</summary>
public sealed class DocumentTests
{
    private const string Begin = "<!-- modules -->\n";
    private const string End = "<!-- end of modules -->";

    private static readonly (string Plan, MethodInfo Method, string Name)[] Modules =
    [
        .. from type in typeof(DocumentTests).Assembly.GetTypes()
           let plan = type.GetCustomAttribute<PlanAttribute>()
           where plan is not null
           from method in type.GetMethods()
           let module = method.GetCustomAttribute<ModuleAttribute>()
           where module is not null
           orderby plan.Name, module.Name
           select (plan.Name, method, module.Name),
    ];

    [Fact]
    public void At_least_110_modules_are_here_each_under_its_own_name()
    {
        Modules.Length.ShouldBeGreaterThanOrEqualTo(110);
        Modules.Select(module => module.Name).ShouldBeUnique();
        foreach (var (_, method, name) in Modules)
        {
            method.Name.ShouldBe(name.Replace('-', '_'));
        }
    }

    [Fact]
    public void The_document_lists_exactly_these()
    {
        var path = Path.Combine(SourceTree.Root, "docs", "conformance.md");
        var text = File.ReadAllText(path);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        begin.ShouldBeInRange(0, end);
        var expected = text[..begin] + Begin + List() + text[end..];
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, text = expected);
        }

        text.ShouldBe(expected);
    }

    private static string List()
    {
        var list = new StringBuilder($"\n{Modules.Length} modules.\n\n");
        foreach (var plan in Modules.GroupBy(module => module.Plan, StringComparer.Ordinal))
        {
            list.Append($"### {plan.Key}: {plan.Count()}\n\n| module | test |\n|---|---|\n");
            foreach (var (_, method, name) in plan)
            {
                list.Append($"| `{name}` | {method.DeclaringType!.Name} |\n");
            }

            list.Append('\n');
        }

        return list.ToString();
    }
}
