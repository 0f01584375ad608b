internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Makes the policies of workers: what this kernel can enforce, what is hidden on this machine, and what lies beside it.
final class SandboxMaker {
    /// What the kernel can enforce.
    let support: SandboxSupport
    private let hidden: [String]
    let plugins: String
    private let libraries: () -> Set<String>
    private var visible: Visible?

    /// What was found the last time, and what that depends on.
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

    /// A maker for workers of these plugins. `hidden`: the state directory, and a configuration that lies elsewhere.
    init(hidden: [String], plugins: String, libraries: @escaping () -> Set<String>) {
        self.hidden = hidden
        self.plugins = plugins
        self.libraries = libraries
        support = Self.support
    }

    /// What this kernel can enforce, asked once.
    static let support: SandboxSupport = {
        let wanted = SandboxSupport.wanted
        let found = Sandbox.ask(Sandbox.Support(files: wanted.files, ports: wanted.ports, scopes: wanted.scopes))
        return SandboxSupport(
            abi: found.abi, files: found.files, ports: found.ports, scopes: found.scopes, hasFilters: found.hasFilters)
    }()

    /// The policy of a worker with these settings and places. Throws where it would have too many rules.
    func policy(_ settings: SandboxSettings, _ places: SandboxPolicy.Places) throws(SystemError) -> SandboxPolicy {
        var places = places
        if settings.read == .all, support.files != 0 { places.visible = visiblePaths() }
        let policy = SandboxPolicy(settings, places, on: support)
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
        var hidden = Set(hidden.map { HostProcess.resolved($0) ?? $0 })
        // Configurations that are reached by links may lie anywhere.
        for entry in Self.entries(of: resolved) where entry.isLink && entry.name.hasSuffix(".json5") {
            if let target = HostProcess.resolved(resolved + "/" + entry.name) { hidden.insert(target) }
        }
        fresh.paths = VisiblePaths.paths(
            hiding: hidden, plugins: VisiblePaths.Plugins(resolved, libraries: libraries)
        ) { folder in
            fresh.stamps[folder] = Self.stamp(of: folder)
            return Self.entries(of: folder)
        }
        visible = fresh
        return fresh.paths
    }

    private static func entries(of folder: String) -> [VisiblePaths.Entry] {
        ((try? Directory(folder).entries()) ?? []).map { VisiblePaths.Entry($0.name, isLink: $0.isLink) }
    }

    private static func stamp(of folder: String) -> Stamp? {
        guard let status = FileStatus.of(folder) else { return nil }
        return Stamp(device: status.device, inode: status.inode, modified: status.modified)
    }
}
