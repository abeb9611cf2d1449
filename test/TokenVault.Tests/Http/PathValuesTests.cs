using Microsoft.AspNetCore.Routing.Patterns;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public class PathValuesTests
{
    private static readonly RoutePattern Pattern = RoutePatternFactory.Parse("/api/v2/resource-servers/{id}");

    [Theory]
    [InlineData("/api/v2/resource-servers/abc", "abc")]
    [InlineData("/api/v2/resource-servers/abc?x=/y", "abc")]
    [InlineData("/api/v2/resource-servers/https%3A%2F%2Fapi.example.com%2F", "https://api.example.com/")]
    [InlineData("/api/v2/resource-servers/auth0%7C1", "auth0|1")]
    [InlineData("/api/v2/resource-servers/a%252Fb", "a%2Fb")]
    [InlineData("/api/v2/resource-servers/a%2Fb", "a/b")]
    [InlineData("/api/v2/resource-servers/a;x=1", "a;x=1")]
    public void T_MG_04_a_path_value_is_decoded_exactly_once(string target, string value) =>
        PathValues.Read(Pattern, target).ShouldNotBeNull()["id"].ShouldBe(value);

    [Theory]
    [InlineData("/api/v2/resource-servers/x/../abc")]
    [InlineData("/api/v2/resource-servers/x/%2e%2e/abc")]
    [InlineData("/api/v2//resource-servers/abc")]
    [InlineData("/api/v2/resource-servers/")]
    [InlineData("/api/v2/resource-servers/a%00b")]
    [InlineData("/api/v2/resource-servers/a%0ab")]
    [InlineData("/api/v2/resource-servers/%ff")]
    [InlineData("/api/v2/resource-servers/%c0%af")]
    [InlineData("/api/v2/resource-servers/a%2")]
    [InlineData("/api/v2/resource-servers/a%zz")]
    [InlineData("http://host/api/v2/resource-servers/abc")]
    [InlineData("*")]
    public void T_MG_04_a_path_that_can_be_read_in_two_ways_is_not_read(string target) => PathValues.Read(Pattern, target).ShouldBeNull();
}
