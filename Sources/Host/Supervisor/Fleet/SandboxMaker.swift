internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Makes the sandbox policies of workers, from what the kernel can enforce and what must be hidden on this machine.
final class SandboxMaker {
    /// What the kernel can enforce.
    let support: SandboxSupport
    private let hidden: [String]
    /// The host's configuration file, if it is not one in the plugins directory.
    private let configuration: String?
    private let secrets = SecretFiles()
    let plugins: String
    private let libraries: () -> Set<String>
    private let changes: () -> Int
    private let tell: (String) -> Void
    private var told: Set<String> = []
    private let clock: (any HostClock)?
    private var surroundings: Surroundings?
    private var neighbours: Neighbours?
    private let confiner: Confiner
    private let mounts: MountWatch?
    /// The last system call filters, which most workers share, with what they depend on.
    private var filters: [(settings: SandboxSettings, program: SeccompProgram)] = []
    /// The number of filters that are kept at most.
    private static let mostFilters = 16
    /// After so many different refusals each is told once more: a configuration that is edited may bring ever new ones.
    private static let mostTold = 256

    /// For how long `Surroundings` count, in ns, if no change is reported, so that many workers that start at once look for
    /// them once: with a thousand configurations a look takes 7 ms.
    private static let freshness: Int64 = 1_000_000_000

    /// The paths that all workers have in common, with links resolved.
    private struct Surroundings {
        let found: MonotonicTime?
        /// The number of changes that were reported before.
        let changes: Int
        let plugins: String
        let hidden: Set<String>
        /// Those of `SandboxPolicy.basics`, once they were needed.
        var basics: [String]?
    }

    /// Makes a maker for workers of the plugins in that directory. `hidden`: the state directory, and the credentials
    /// from the service manager. `configuration`: the host's file outside of the plugins directory. `changes` returns how
    /// many changes of these were reported so far, and `libraries` the names of libraries among the plugins. Without a clock
    /// and deadlines nothing is kept for the next worker.
    ///
    /// Each message that people should see is passed to `tell` once.
    init(
        hidden: [String], configuration: String? = nil, plugins: String, clock: (any HostClock)? = nil,
        deadlines: Deadlines? = nil, tell: @escaping (String) -> Void, changes: @escaping () -> Int = { 0 },
        libraries: @escaping () -> Set<String>
    ) {
        self.clock = clock
        self.changes = changes
        self.hidden = hidden
        self.configuration = configuration
        self.tell = tell
        self.plugins = plugins
        self.libraries = libraries
        support = Self.support
        confiner = Confiner(clock: clock, deadlines: deadlines)
        mounts = try? MountWatch()
    }

    /// The folders of a library search that a worker may read its code from, with links resolved: those within the plugins
    /// directory, and within `copies`, the private copies. A plugin names them in its run path, which it writes itself, so
    /// that a path that leads elsewhere, or to what is hidden, grants nothing.
    func libraryFolders(of search: LibrarySearch, copies: String? = nil) -> [String] {
        let home = HostProcess.resolved(plugins) ?? plugins
        let copies = copies.flatMap { HostProcess.resolved($0) }
        let hidden = hidden.compactMap { HostProcess.resolved($0) }
        return search.folders.compactMap { folder in
            guard let real = HostProcess.resolved(folder) else { return nil }
            if let copies, real != copies, PlainPath.isBeneath(real, copies) { return real }
            let isHidden = hidden.contains { PlainPath.isBeneath($0, real) || PlainPath.isBeneath(real, $0) }
            // What lies in the plugins directory itself has rules of its own: it has configurations too.
            return real != home && PlainPath.isBeneath(real, home) && !isHidden ? real : nil
        }
    }

    /// What this kernel can enforce, determined once.
    static let support: SandboxSupport = {
        let wanted = SandboxSupport.wanted
        let found = Sandbox.ask(Sandbox.Support(files: wanted.files, ports: wanted.ports, scopes: wanted.scopes))
        return SandboxSupport(
            abi: found.abi, files: found.files, ports: found.ports, scopes: found.scopes, hasFilters: found.hasFilters)
    }()

    /// What a worker with these settings and places needs to enter its sandbox, but for the rules: these are looked up and added
    /// when it is completed. A worker with the same wish as one shortly before gets what that one had, if its rules are still
    /// right.
    func begin(_ settings: SandboxSettings, _ places: SandboxPolicy.Places) throws(SystemError) -> Confinement {
        let wish = Confiner.Wish(places: places, settings: settings)
        if confiner.mayKnow(wish) {
            let (policy, neighbours) = try checkedPolicy(settings, places)
            if let known = confiner.known(policy, neighbours) { return known }
        }
        let begun = try confiner.begin(
            SandboxPolicy.Handled(settings, on: support), support.hasFilters ? filter(settings) : nil)
        guard let ruleset = begun.ruleset else { return begun }
        return Confinement(policy: begun.policy, ruleset: ruleset) { () throws(SystemError) in
            let (policy, neighbours) = try self.checkedPolicy(settings, places)
            return try self.confiner.complete(ruleset, begun.policy, wish, policy, neighbours)
        }
    }

    /// The policy, and what has its visible paths. Throws if it would have too many rules.
    private func checkedPolicy(_ settings: SandboxSettings, _ places: SandboxPolicy.Places)
        throws(SystemError) -> (SandboxPolicy, Neighbours?)
    {
        if mounts?.hasChanged() != false {
            neighbours = nil
            confiner.forget()
        }
        let policy = policy(settings, places)
        if policy.pathCount > SandboxPolicy.mostRules {
            throw SystemError(
                "landlock_add_rule",
                "there are more than \(SandboxPolicy.mostRules) files beside the way to the state directory or the plugins: "
                    + "put them where there are fewer", number: 7)
        }
        return (policy, policy.visible.isEmpty ? nil : neighbours)
    }

    private func policy(_ settings: SandboxSettings, _ places: SandboxPolicy.Places) -> SandboxPolicy {
        var places = places
        let around = lookAround()
        let plugins = around.plugins
        let hidden = around.hidden
        let looks = PathLooks()
        let home = Self.home
        let listed = ListedPaths(hidden: hidden, plugins: plugins, home: home)
        let (settings, exact, refused) = listed.resolve(settings, look: looks.look)
        say(refused)
        places.exact = exact
        places.named = named(settings, NamedPaths(hidden: hidden + [plugins], home: home), looks.look)
        if support.files != 0 {
            places.hidden = hidden.union([plugins])
            if settings.read != .all { places.basics = basics() }
            if settings.read == .all || places.hasHiddenBasics {
                places.visible = visiblePaths(hiding: hidden, plugins: plugins)
            }
            if settings.read == .all, settings.execute == .any { leaveOutVisible(&places) }
        }
        return SandboxPolicy(settings, places, on: support, filter: filter(settings))
    }

    /// Leaves out the programs that need no rule of their own, since they may be read and executed as their neighbours may. Both
    /// are paths in which the kernel has resolved links.
    private func leaveOutVisible(_ places: inout SandboxPolicy.Places) {
        guard let neighbours else { return }
        if let path = places.backtracer, neighbours.show(path) { places.backtracer = nil }
        if let path = places.program, neighbours.show(path) { places.program = nil }
    }

    private func filter(_ settings: SandboxSettings) -> SeccompProgram {
        let settings = settings.ofCalls
        if let known = filters.first(where: { $0.settings == settings }) { return known.program }
        let program = SandboxPolicy.filter(settings, on: support)
        filters.append((settings, program))
        if filters.count > Self.mostFilters { filters.removeFirst() }
        return program
    }

    private func lookAround() -> Surroundings {
        let now = clock?.monotonic()
        let changes = changes()
        if let now, let surroundings, let found = surroundings.found, surroundings.changes == changes,
            now - found < Self.freshness
        {
            return surroundings
        }
        let plugins = HostProcess.resolved(plugins) ?? plugins
        let fresh = Surroundings(
            found: now, changes: changes, plugins: plugins, hidden: hiddenPlaces(plugins: plugins))
        surroundings = fresh
        return fresh
    }

    private func basics() -> [String] {
        if let known = surroundings?.basics { return known }
        let basics = SandboxPolicy.basics.compactMap { HostProcess.resolved($0) }
        surroundings?.basics = basics
        return basics
    }

    private func visiblePaths(hiding hidden: Set<String>, plugins: String) -> [String] {
        let libraries = libraries()
        if let neighbours, neighbours.holds(hiding: hidden, libraries: libraries, now: clock?.wall()) {
            return neighbours.paths
        }
        let fresh = Neighbours(hiding: hidden, plugins: plugins, libraries: libraries, now: clock?.wall())
        for folder in fresh.crowded where told.insert(folder).inserted {
            tell(
                "\(folder) has too many files for a rule each: plugins can read none of them; give --state a place of its own, "
                    + "or name what they read (sandbox: { read: [..] })")
        }
        neighbours = fresh
        return fresh.paths
    }

    /// The host's own places: state directory, configurations, and the secrets that these refer to. Links are resolved.
    private func hiddenPlaces(plugins: String) -> Set<String> {
        let files = Neighbours.entries(of: plugins).filter { $0.name.hasSuffix(".json5") }
        var paths = hidden + (configuration.map { [$0] } ?? [])
        // A configuration that is a link may be a file anywhere.
        paths += files.filter(\.isLink).map { plugins + "/" + $0.name }
        paths += secrets.paths(in: files.map { plugins + "/" + $0.name } + (configuration.map { [$0] } ?? []))
        return Set(paths.map { HostProcess.resolved($0) ?? HostProcess.absolute($0) })
    }

    private static var home: String? { HostProcess.environment("HOME").map { HostProcess.resolved($0) ?? $0 } }

    /// The folders and files that paths in a configuration would grant now, for a configuration in the folder `plugins`
    /// and without its host's settings.
    static func folders(named paths: [String], beside plugins: String) -> [String] {
        let plugins = HostProcess.absolute(plugins)
        let resolved = HostProcess.resolved(plugins) ?? plugins
        let maker = SandboxMaker(hidden: [], plugins: plugins, tell: { _ in }) { [] }
        let named = NamedPaths(hidden: maker.hiddenPlaces(plugins: resolved) + [resolved], home: home)
        return named.grants(for: paths, look: PathLooks().look).grants.map(\.path)
    }

    /// The grants for paths named in a configuration. Creates files that must exist before they can be granted.
    private func named(
        _ settings: SandboxSettings, _ named: NamedPaths, _ look: (String) -> NamedPaths.Found?
    ) -> [NamedPaths.Grant] {
        if settings.named.isEmpty || support.files == 0 { return [] }
        let (grants, beyond) = named.grants(for: settings.named, within: settings.bounds, look: look)
        say(beyond)
        for case .newFile(let path) in grants {
            // If this fails, the plugin could not have created the file either.
            guard (try? HostProcess.makeFile(path)) != nil else { continue }
            tell(
                "\(path) (a parameter) was not there: created, empty, so that the plugin may write it; if another program "
                    + "writes it, make that program its owner")
        }
        return grants
    }

    private func say(_ refused: [RefusedPath]) {
        if told.count >= Self.mostTold { told.removeAll() }
        for line in refused.map(\.line) where told.insert(line).inserted { tell(line) }
    }
}
