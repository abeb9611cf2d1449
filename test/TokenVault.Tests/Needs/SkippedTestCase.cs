using TokenVault.Testing;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace TokenVault.Tests.Needs;

/// <summary>A test that this machine cannot run.</summary>
public sealed class SkippedTestCase : XunitTestCase
{
    [Obsolete("For the deserializer.")]
    public SkippedTestCase()
    {
    }

    public SkippedTestCase(IMessageSink diagnostics, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(diagnostics, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) => PostgresServer.Problem ?? "It was skipped when the tests were listed.";
}
