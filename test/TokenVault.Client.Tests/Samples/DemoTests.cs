namespace TokenVault.Client.Tests.Samples;

/// <summary>The tests that share one kept demo, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class DemoTests : ICollectionFixture<DemoScene>
{
    internal const string Name = "Demo";
}
