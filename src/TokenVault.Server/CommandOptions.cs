namespace TokenVault.Server;

/// <summary>The server's own settings, as the verbs beside <c>serve</c> read them: a password can stay out of the arguments.</summary>
internal static class CommandOptions
{
    /// <param name="configuration">Null: the environment and appsettings.json.</param>
    /// <exception cref="StartupException">With every mistake on a line of its own.</exception>
    public static TokenVaultOptions Read(IConfiguration? configuration) => OptionsValidation.Read(configuration ?? Surroundings().Build());

    /// <param name="given">What the arguments said; it goes before the environment and appsettings.json.</param>
    /// <exception cref="StartupException">With every mistake on a line of its own.</exception>
    public static TokenVaultOptions Read(IReadOnlyDictionary<string, string?> given) =>
        OptionsValidation.Read(Surroundings().AddInMemoryCollection(given).Build());

    /// <summary>A verb in the wrong directory must not make a store there.</summary>
    /// <exception cref="StartupException">There is no database.</exception>
    public static void RequireDatabase(TokenVaultOptions options)
    {
        if (options.Storage.ConnectionString is null && !File.Exists(options.DatabaseFile))
        {
            throw new StartupException($"There is no database '{Path.GetFullPath(options.DatabaseFile)}': {TokenVaultOptions.Section}__DataDirectory says where it is.");
        }
    }

    private static ConfigurationBuilder Surroundings()
    {
        var builder = new ConfigurationBuilder();
        builder.AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables();
        return builder;
    }
}
