using BenchmarkDotNet.Attributes;
using TokenVault.Server.Demo;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Benchmarks.Micro;

/// <summary>The body of an exchange, from the text to what is asked for.</summary>
[InProcess]
[MemoryDiagnoser]
public class ParsingBenchmarks
{
    private readonly string _form = ExchangeForm.Of(
        new Credentials(Identifier.Client(), Identifier.ClientSecret()), string.Concat(Enumerable.Repeat(Identifier.Secret(), 18)), Wire.AccessTokenType);

    [Benchmark]
    public bool ParseForm() => ExchangeRequest.Parse(RequestParameters.FromQuery(_form).Value, Confirmation.None).Error is null;
}
