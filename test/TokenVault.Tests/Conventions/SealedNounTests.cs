using System.Reflection;
using System.Runtime.CompilerServices;
using TokenVault.Server;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Conventions;

/// <summary>What is sealed has to be known, or a rotation of the keys would leave it behind, and verification would not look at it.</summary>
public sealed class SealedNounTests
{
    /// <summary>Bytes that the ring does not seal, each for a reason.</summary>
    private static readonly string[] NotSealed =
    [
        "VaultKey.Wrapped", // under the root key, which wraps the ring
        "SigningKey.PublicJwk", // public
    ];

    [Fact]
    public void T_EN_10_Every_sealed_member_of_a_stored_record_is_declared_and_its_noun_registered()
    {
        var stored = Records().SelectMany(record => SealedPaths(record, []).Select(path => $"{record.Name}.{path}")).Except(NotSealed);
        var known = SealedNouns.All.SelectMany(noun => noun.Paths.Select(path => $"{noun.Type.Name}.{path}"));

        known.ShouldBe(stored, ignoreOrder: true);
    }

    [Fact]
    public void The_exceptions_still_exist() =>
        Records().SelectMany(record => SealedPaths(record, []).Select(path => $"{record.Name}.{path}")).Intersect(NotSealed).ShouldBe(NotSealed, ignoreOrder: true);

    /// <summary>Bytes, and whatever calls itself sealed, in the record itself or in what it is made of.</summary>
    private static IEnumerable<string> SealedPaths(Type type, Type[] above)
    {
        foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public))
        {
            if (property.PropertyType == typeof(byte[]) || property.Name.StartsWith("Sealed", StringComparison.Ordinal))
            {
                yield return property.Name;
                continue;
            }

            var parts = property.PropertyType.IsGenericType ? property.PropertyType.GetGenericArguments() : [property.PropertyType];
            foreach (var part in parts.Where(part => part.Assembly == type.Assembly && part.IsClass && !above.Contains(part)))
            {
                foreach (var path in SealedPaths(part, [.. above, type]))
                {
                    yield return $"{property.Name}.{path}";
                }
            }
        }
    }

    private static IEnumerable<Type> Records() =>
        typeof(IStorage).Assembly.GetTypes().Where(type =>
            type is { IsClass: true, IsAbstract: false }
            && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: true)
            && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecord<>)));
}
