internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Makes the sandbox policies of workers, from what the kernel can enforce and what must be hidden on this machine.
final class SandboxMaker {
    /// What the kernel can enforce.
    let support: SandboxSupport
    private let hidden: [String]
    let plugins: String
    private let libraries: () -> Set<String>
    private let tell: (String) -> Void
    private var told: Set<String> = []
    private var visible: Visible?
    /// The last system call filter, which most workers share.
    private var filter: (settings: SandboxSettings, program: SeccompProgram)?

    /// The visible paths found last, with the state that they depend on.
    private struct Visible {
        var stamps: [String: Stamp] = [:]
        var libraries: Set<String>
        var paths: [String] = []
    }

    private struct Stamp: Equatable {
        let device: UInt64
        let inode: UInt64
        let modified: WallTime
    }

    /// Makes a maker for workers of the plugins in that directory. `hidden`: the state directory, and a configuration
    /// file outside of the plugins directory. `libraries` returns the names of libraries among the plugins.
    ///
    /// Each message that people should see is passed to `tell` once.
    init(
        hidden: [String], plugins: String, tell: @escaping (String) -> Void, libraries: @escaping () -> Set<String>
    ) {
        self.hidden = hidden
        self.tell = tell
        self.plugins = plugins
        self.libraries = libraries
        support = Self.support
    }

    /// What this kernel can enforce, determined once.
    static let support: SandboxSupport = {
        let wanted = SandboxSupport.wanted
        let found = Sandbox.ask(Sandbox.Support(files: wanted.files, ports: wanted.ports, scopes: wanted.scopes))
        return SandboxSupport(
            abi: found.abi, files: found.files, ports: found.ports, scopes: found.scopes, hasFilters: found.hasFilters)
    }()

    /// The policy for a worker with these settings and places. Throws if it would have too many rules.
    func policy(_ settings: SandboxSettings, _ places: SandboxPolicy.Places) throws(SystemError) -> SandboxPolicy {
        var places = places
        let (settings, exact, beyond) = settings.leading { HostProcess.resolved($0) }
        places.exact = exact
        places.named = named(settings)
        say(beyond)
        if settings.read == .all, support.files != 0 { places.visible = visiblePaths() }
        if filter?.settings != settings { filter = (settings, SandboxPolicy.filter(settings, on: support)) }
        let policy = SandboxPolicy(settings, places, on: support, filter: filter?.program)
        if policy.paths.count > SandboxPolicy.mostRules {
            throw SystemError(
                "landlock_add_rule",
                "there are more than \(SandboxPolicy.mostRules) files beside the way to the state directory or the plugins: "
                    + "put them where there are fewer", number: 7)
        }
        return policy
    }

    private func visiblePaths() -> [String] {
        let libraries = libraries()
        if let visible, visible.libraries == libraries,
            visible.stamps.allSatisfy({ Self.stamp(of: $0.key) == $0.value })
        {
            return visible.paths
        }
        var fresh = Visible(libraries: libraries)
        let resolved = HostProcess.resolved(plugins) ?? plugins
        let hidden = hiddenPlaces(plugins: resolved)
        let found = VisiblePaths.find(
            hiding: hidden, plugins: VisiblePaths.Plugins(resolved, libraries: libraries)
        ) { folder in
            fresh.stamps[folder] = Self.stamp(of: folder)
            return Self.entries(of: folder, most: folder == resolved ? .max : VisiblePaths.mostInFolder + 1)
        }
        fresh.paths = found.paths
        for folder in found.crowded where told.insert(folder).inserted {
            tell(
                "\(folder) has too many files for a rule each: plugins can read none of them; give --state a place of its own, "
                    + "or name what they read (sandbox: { read: [..] })")
        }
        visible = fresh
        return fresh.paths
    }

    /// The state directory and the configurations, with links resolved.
    private func hiddenPlaces(plugins: String) -> Set<String> {
        var hidden = Set(hidden.map { HostProcess.resolved($0) ?? $0 })
        // A configuration that is a link may be a file anywhere.
        for entry in Self.entries(of: plugins) where entry.isLink && entry.name.hasSuffix(".json5") {
            if let target = HostProcess.resolved(plugins + "/" + entry.name) { hidden.insert(target) }
        }
        return hidden
    }

    /// The folders and files that paths in a configuration would grant now, for a configuration in the folder `plugins`
    /// and without its host's settings.
    static func folders(named paths: [String], beside plugins: String) -> [String] {
        let maker = SandboxMaker(hidden: [], plugins: HostProcess.absolute(plugins), tell: { _ in }) { [] }
        return maker.grants(paths, within: BoundedPaths()).grants.map(\.path)
    }

    /// The grants for paths named in a configuration. Creates files that must exist before they can be granted.
    private func named(_ settings: SandboxSettings) -> [NamedPaths.Grant] {
        if settings.named.isEmpty || support.files == 0 { return [] }
        let (grants, beyond) = grants(settings.named, within: settings.bounds)
        say(beyond)
        for case .newFile(let path) in grants {
            // If this fails, the plugin could not have created the file either.
            _ = try? HostProcess.makeFile(path)
        }
        return grants
    }

    private func say(_ beyond: [BoundedPaths.Beyond]) {
        for line in beyond.map(\.line) where told.insert(line).inserted { tell(line) }
    }

    private func grants(_ paths: [String], within bounds: BoundedPaths)
        -> (grants: [NamedPaths.Grant], beyond: [BoundedPaths.Beyond])
    {
        let plugins = HostProcess.resolved(plugins) ?? plugins
        let home = HostProcess.environment("HOME").map { HostProcess.resolved($0) ?? $0 }
        let named = NamedPaths(hidden: hiddenPlaces(plugins: plugins) + [plugins], home: home)
        return named.grants(for: paths, within: bounds) { path in
            guard let resolved = HostProcess.resolved(path) else { return nil }
            return NamedPaths.Found(resolved, isFolder: (try? Directory(resolved)) != nil)
        }
    }

    private static func entries(of folder: String, most: Int = .max) -> [VisiblePaths.Entry] {
        ((try? Directory(folder).entries(most: most)) ?? []).map { VisiblePaths.Entry($0.name, isLink: $0.isLink) }
    }

    private static func stamp(of folder: String) -> Stamp? {
        guard let status = FileStatus.of(folder) else { return nil }
        return Stamp(device: status.device, inode: status.inode, modified: status.modified)
    }
}
