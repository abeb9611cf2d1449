using System.Reflection;
using TokenVault.Testing;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("TokenVault.Tests.Needs.SkippingFramework", "TokenVault.Tests")]

namespace TokenVault.Tests.Needs;

/// <summary>
/// xunit, where a class can name what its tests need: version 2 can skip a test by an attribute on its method only, but the tests of a
/// conformance suite are inherited, and it is the class that knows the need.
/// </summary>
public sealed class SkippingFramework(IMessageSink messages) : XunitTestFramework(messages)
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(IAssemblyInfo assemblyInfo) =>
        new Discoverer(assemblyInfo, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Discoverer(IAssemblyInfo assembly, ISourceInformationProvider sources, IMessageSink diagnostics)
        : XunitTestFrameworkDiscoverer(assembly, sources, diagnostics)
    {
        protected override bool FindTestsForMethod(
            ITestMethod testMethod, bool includeSourceInformation, IMessageBus messageBus, ITestFrameworkDiscoveryOptions discoveryOptions)
        {
            var needs = testMethod.TestClass.Class.ToRuntimeType().GetCustomAttribute<NeedsPostgresAttribute>() is not null;
            if (!needs || PostgresServer.Problem is null || !testMethod.Method.GetCustomAttributes(typeof(FactAttribute)).Any())
            {
                return base.FindTestsForMethod(testMethod, includeSourceInformation, messageBus, discoveryOptions);
            }

            var display = discoveryOptions.MethodDisplayOrDefault();
            var skipped = new SkippedTestCase(DiagnosticMessageSink, display, discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod);
            return ReportDiscoveredTestCase(skipped, includeSourceInformation, messageBus);
        }
    }
}
