using System.Security.Cryptography;

namespace TokenVault.Server.Keys.Jose;

/// <summary>Where new key pairs come from. The server makes each when it needs it.</summary>
/// <returns>A key that is the caller's to dispose of, and that nobody else of this server was given.</returns>
internal delegate AsymmetricAlgorithm KeyPairMaker(JwsAlgorithm algorithm);
