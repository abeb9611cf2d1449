using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using TokenVault.Tests.Conventions;

namespace TokenVault.Client.Tests;

/// <summary>
/// What the packages promise, member by member. UPDATE_GOLDEN=1 writes the files anew, to be read before they are committed: a line that goes,
/// or changes, breaks somebody's code.
/// </summary>
public sealed class PublicApiTests
{
    private static readonly Assembly[] Packages = [typeof(TokenVaultClient).Assembly, typeof(AspNetCore.TokenVaultConnect).Assembly, typeof(Client.Mcp.TokenVaultMcp).Assembly];

    [Fact]
    public void The_public_API_is_what_the_snapshot_says()
    {
        foreach (var package in Packages)
        {
            var path = Path.Combine(SourceTree.Root, "src", package.GetName().Name!, "PublicApi.txt");
            var actual = Describe(package);
            if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            {
                File.WriteAllText(path, actual);
            }

            File.Exists(path).ShouldBeTrue($"There is no {path}: run the test with UPDATE_GOLDEN=1, and read what it writes.");
            actual.ShouldBe(File.ReadAllText(path), $"The public API has changed: see {path}");
        }
    }

    [Fact]
    public void The_packages_are_made_to_be_trimmed_and_know_nothing_of_the_server()
    {
        foreach (var package in Packages)
        {
            package.GetCustomAttributes<AssemblyMetadataAttribute>().ShouldContain(a => a.Key == "IsTrimmable" && a.Value == "True");
            package.GetCustomAttributes<AssemblyMetadataAttribute>().ShouldContain(a => a.Key == "IsAotCompatible" && a.Value == "True");
            package.GetReferencedAssemblies().ShouldNotContain(name => name.Name!.Contains("server", StringComparison.OrdinalIgnoreCase));
        }

        Packages[0].GetReferencedAssemblies().ShouldNotContain(name => name.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
    }

    [Fact]
    public void No_cache_or_user_lives_in_a_static_field()
    {
        var wrong =
            from type in Packages.SelectMany(package => package.GetTypes())
            where !type.IsDefined(typeof(CompilerGeneratedAttribute)) && type.DeclaringType?.IsDefined(typeof(CompilerGeneratedAttribute)) != true
            from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            where !field.IsInitOnly && !field.IsLiteral && !field.Name.Contains('<', StringComparison.Ordinal) && !type.Name.EndsWith("Json", StringComparison.Ordinal)
            select $"{type.Name}.{field.Name}";

        wrong.ShouldBeEmpty();
    }

    private static string Describe(Assembly package)
    {
        var text = new StringBuilder();
        foreach (var type in package.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(type.FullName).Append(type.IsEnum ? " enum" : type.IsInterface ? " interface" : type.IsAbstract && type.IsSealed ? " static" : type.IsSealed ? " sealed" : "").Append('\n');
            foreach (var line in Members(type).Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string[] Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type);
        }

        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var constructors = type.GetConstructors(all).Where(Visible).Select(c => $"new({Parameters(c)})");
        var methods = type.GetMethods(all).Where(m => Visible(m) && !m.IsSpecialName && !m.IsDefined(typeof(CompilerGeneratedAttribute)) && m.GetBaseDefinition() == m)
            .Select(m => $"{(m.IsStatic ? "static " : "")}{Name(m.ReturnType)} {m.Name}({Parameters(m)})");
        var properties = type.GetProperties(all).Where(p => p.GetMethod is { } get && Visible(get))
            .Select(p => $"{(p.GetMethod!.IsStatic ? "static " : "")}{Name(p.PropertyType)} {p.Name}{(p.SetMethod is { } set && Visible(set) ? " set" : "")}");
        var constants = type.GetFields(all).Where(f => f.IsPublic && f.IsLiteral).Select(f => $"const {f.Name} = {f.GetRawConstantValue()}");
        return [.. constructors, .. methods, .. properties, .. constants];
    }

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily;

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? "?" : "")}"));

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Name(value) + "?";
        }

        return type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
    }
}
