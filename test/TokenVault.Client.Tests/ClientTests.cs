namespace TokenVault.Client.Tests;

/// <summary>The tests that share the scene, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class ClientTests : ICollectionFixture<ClientScene>
{
    internal const string Name = "Client";
}
