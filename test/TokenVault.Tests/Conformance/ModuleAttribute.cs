namespace TokenVault.Tests.Conformance;

/// <summary>A test that checks what the module of this name in the OpenID Foundation's conformance suite checks; docs/conformance.md lists them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ModuleAttribute(string name) : FactAttribute
{
    public string Name { get; } = name;
}

/// <summary>The suite's test plan that the modules of a class belong to.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PlanAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
