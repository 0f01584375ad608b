internal import HostInspection
internal import HostSystem

/// The libraries in the plugins directory that a plugin needs, directly or through each other.
struct Libraries {
    /// The names that the dynamic linker searches for, including those of libraries elsewhere or nowhere.
    private(set) var wanted: Set<String> = []
    /// The libraries found in the plugins directory, by name.
    private(set) var found: [Candidate] = []

    /// The largest number of libraries; further ones are left to the dynamic linker.
    private static let most = 64

    /// Finds the libraries. A file that is not a library, or that other users can write, is left to the dynamic linker,
    /// whose error message says more.
    init(of file: PluginFile, in directory: borrowing Directory, allowUnsafePermissions: Bool) {
        var names = file.needed
        while let name = names.popLast() {
            guard wanted.insert(name).inserted, !name.contains("/"), found.count < Self.most,
                let library = try? Candidate(
                    directory, name: name, allowUnsafePermissions: allowUnsafePermissions),
                let needed = try? library.libraryNeeds()
            else { continue }
            found.append(library)
            names += needed
        }
        found.sort { $0.name < $1.name }
    }
}
