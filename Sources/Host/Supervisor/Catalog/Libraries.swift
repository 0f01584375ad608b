internal import HostInspection
internal import HostSystem

/// The libraries beside a plugin that it needs, and that those need.
struct Libraries {
    /// The names that the dynamic linker looks for, also those that lie elsewhere or nowhere.
    private(set) var wanted: Set<String> = []
    /// Those that lie in the plugins directory, by name.
    private(set) var found: [Candidate] = []

    /// More are left to the linker.
    private static let most = 64

    /// Looks for them. What is no library, or may be written by others, is left to the linker, which says more.
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
