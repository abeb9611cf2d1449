namespace TokenVault.Server.Keys;

/// <summary>
/// Where the root key is, and the one that it takes the place of while vault keys wrapped by that are still stored. The files are read
/// when they are needed, so that an operator can put a new key in place beside a running server.
/// </summary>
/// <param name="File">The root key.</param>
/// <param name="PreviousFile">Its predecessor; there may be none.</param>
internal sealed record RootKeys(string File, string PreviousFile)
{
    public RootKeys(string file)
        : this(file, file + ".previous")
    {
    }

    /// <exception cref="StartupException">The file is missing, open to others, or holds no key.</exception>
    public FileRootKey Load() => FileRootKey.Load(File);

    /// <summary>The key on an empty store: the operator's, or a new one.</summary>
    /// <exception cref="StartupException">The file is not kept as it must be, or cannot be written.</exception>
    public FileRootKey LoadOrCreate() => System.IO.File.Exists(File) ? FileRootKey.Load(File) : FileRootKey.Create(File);

    /// <summary>The key of this id, from either file.</summary>
    /// <exception cref="StartupException">Neither holds it.</exception>
    public FileRootKey Find(string neededId)
    {
        var root = System.IO.File.Exists(File) ? FileRootKey.Load(File) : null;
        if (root?.Id == neededId)
        {
            return root;
        }

        if (System.IO.File.Exists(PreviousFile) && FileRootKey.Load(PreviousFile) is var previous && previous.Id == neededId)
        {
            return previous;
        }

        throw new StartupException(
            root is null
                ? $"The store needs root key {neededId}, and there is no root key file '{File}'; put it back, nothing opens without it."
                : $"The store needs root key {neededId}, and the root key file '{File}' holds {root.Id}.");
    }
}
