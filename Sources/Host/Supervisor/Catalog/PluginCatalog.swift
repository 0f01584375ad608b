internal import HostInspection
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// The plugins of a directory: which files are plugins, their names and configurations, and what must happen when one
/// appears, changes or disappears.
///
/// It is told about changes in the directory and findings of workers, and scans through its folder. The resulting
/// changes wait in `take`. It knows neither workers nor sessions.
final class PluginCatalog {
    /// An action for the caller.
    enum Change: Equatable {
        /// Have a worker describe the plugin; see `order`.
        case describe(Int)
        /// The plugin no longer waits for a description.
        case forget(Int)
        /// The plugin's routines can begin.
        case ready(Program)
        /// The routines run on unchanged; only the key of their files' content differs.
        case reworded(Program)
        /// A file is not a usable plugin, which was logged.
        case refused
        /// End the plugin's sessions, with records of that kind, and then call `ended`.
        case retire(Int, as: SessionEnd, String)
    }

    /// The options of a catalog.
    struct Settings {
        /// The host's configuration file; nil means the one in the plugins directory, if it exists.
        var configuration: String?
        /// The settings of the command line, which apply to all routines.
        var overrides = ConfigurationLayer()
        /// The absolute paths of the plugins directory and of the state directory.
        var plugins: String
        var state: String
        /// What sandboxes can enforce on this machine.
        var sandbox = SandboxSupport.wanted
    }

    /// After so many kills of its worker from outside, a plugin that is being described is refused.
    private static let mostKilled = 5

    typealias Entry = PluginEntry

    let settings: Settings
    let folder: any PluginFolder
    let log: any LogSink
    let names: NameRegistry
    private var unclaimed = UnclaimedSettingsNotice()
    private let scanner: PluginScanner
    private var isStopped = false
    var sandboxGate: SandboxGate
    private var mayHold = false
    private var lastNumber = 0
    var entries: [Int: Entry] = [:]
    /// The plugins that are ending.
    private(set) var retiring: [Int] = []
    var resolver: SettingsResolver
    var refused = RefusedConfigurations()
    var changes: [Change] = []

    /// Makes an empty catalog; `loadHostConfiguration` and `begin` fill it.
    init(_ settings: Settings, folder: any PluginFolder, clock: any HostClock, deadlines: Deadlines, log: any LogSink) {
        self.settings = settings
        self.folder = folder
        self.log = log
        sandboxGate = SandboxGate(settings.sandbox, log: log)
        resolver = SettingsResolver(folder, host: settings.configuration, overrides: settings.overrides, log: log)
        names = NameRegistry(folder, clock: clock, deadlines: deadlines)
        scanner = PluginScanner(folder, clock: clock, deadlines: deadlines, log: log)
        scanner.found = { [unowned self] in perform($0, on: $1, $2) }
    }

    /// The changes since the last call, in order.
    func take() -> [Change] {
        if mayHold { describeHeld() }
        let unclaimed = unclaimed.take(
            isReady: isReady, folder: folder, blocks: { Array(resolver.host.plugins.keys) },
            claims: { entries.values.filter { !$0.isRetiring }.map { ($0.file.name, $0.id) } },
            path: folder.path(of:))
        unclaimed.forEach { log.write(.warning, "", $0) }
        defer { changes = [] }
        return changes
    }

    // MARK: Queries

    /// The name of a plugin; its file's name before the description.
    func name(_ number: Int) -> String { entries[number]?.name ?? "" }

    /// The version of a described plugin.
    func version(_ number: Int) -> String? { entries[number]?.description?.version }

    /// The name of a plugin or one of its routines for the log; nil if there is no such plugin.
    func subject(_ number: Int, routine index: Int? = nil) -> String? {
        guard let entry = entries[number] else { return nil }
        guard let index, let routines = entry.description?.routines, routines.indices.contains(index) else {
            return entry.name
        }
        return entry.name + "/" + routines[index].name
    }

    /// Whether every known plugin file was described or refused.
    var isReady: Bool {
        entries.values.allSatisfy { entry in
            switch entry.state {
            case .waiting, .describing, .held: false
            case .ready, .refused, .retiring: true
            }
        }
    }

    /// Whether nothing is being scanned, described or ended.
    var isSettled: Bool {
        isReady && scanner.isSettled && retiring.isEmpty
    }

    /// The number of plugins that are ready.
    var readyCount: Int {
        entries.values.count(where: { if case .ready = $0.state { true } else { false } })
    }

    /// The plugin files with their states, by name.
    func status() -> [HostStatus.Plugin] {
        let plugins = entries.values.filter { !$0.isRetiring }.map(\.status)
        let refused = scanner.refusals.map { name, why in
            HostStatus.Plugin(id: name, file: name, version: "", state: "refused", why: why, routines: 0)
        }
        return (plugins + refused).sorted {
            NaturalOrder.precedes($0.id == $1.id ? $0.file : $0.id, $0.id == $1.id ? $1.file : $1.id)
        }
    }

    // MARK: Changes in the directory

    /// Starts to watch the directory, and scans it.
    func begin() throws {
        try folder.watch(configuration: settings.configuration) { [unowned self] in directoryChanged($0) }
        scanAll(isPatient: false)
    }

    /// Scans the whole directory and handles what is new, changed or gone.
    func scanAll(isPatient: Bool = true) { scanner.scanAll(isPatient: isPatient) }

    /// Handles a batch of changes in the directory.
    func directoryChanged(_ change: DirectoryWatch.Change) {
        guard !isStopped else { return }
        scanner.directoryChanged(change)
        configurationChanged(change.settled, isWhole: change.isWhole)
        unclaimed.settingsChanged(change.settled, isWhole: change.isWhole)
    }

    /// Retries the refused plugins, and rescans the directory and all configurations.
    func reload() {
        for entry in inOrder() { if case .refused = entry.state { describeAgain(entry) } }
        scanAll()
        configurationChanged([], isWhole: true)
        unclaimed.settingsChanged([], isWhole: true)
    }

    /// Stops all scanning, because the host ends.
    func stop() {
        isStopped = true
        scanner.stop()
        unclaimed.stop()
        names.stop()
    }

    private func perform(_ action: PluginDirectory.Action, on name: String, _ file: PluginFile?) {
        let present = inOrder { $0.file.name == name && !$0.isRetiring }
        switch action {
        case .none: break
        case .add: add(file)
        case .replace:
            for entry in present { retire(entry, as: .reloaded, "its file has changed") }
            add(file)
        case .retry:
            for entry in present { if case .refused = entry.state { describeAgain(entry) } }
        case .remove:
            guard let first = present.first else { break }
            log.write(.info, first.plugin, "\(name) is gone")
            for entry in present { retire(entry, as: .removed, "its file is gone") }
        case .refuse(let why):
            log.write(.error, "", why)
            changes.append(.refused)
        case .withdraw(let why):
            log.write(.error, "", why)
            changes.append(.refused)
            for entry in present { retire(entry, as: .removed, "its file is no plugin any more") }
        }
    }

    // MARK: Entries

    private func add(_ file: PluginFile?) {
        guard let file, let hash = scanner.content(of: file.name) else { return }
        enter(file, hash)
    }

    /// The entries that satisfy a condition, in the order of their creation.
    func inOrder(where holds: (Entry) -> Bool = { _ in true }) -> [Entry] {
        entries.values.filter(holds).sorted { $0.number < $1.number }
    }

    /// Adds a plugin or an instance of it, to be described as soon as its predecessors have ended.
    func enter(_ file: PluginFile, _ hash: String, instance: String? = nil) {
        lastNumber += 1
        let entry = Entry(number: lastNumber, file: file, hash: hash, instance: instance)
        let before = entries.values.filter { $0.precedes(entry) }
        entries[entry.number] = entry
        if before.isEmpty {
            changes.append(.describe(entry.number))
        } else {
            entry.state = .waiting(for: Set(before.map(\.number)))
        }
    }

    /// Ends what runs of a plugin; `kind` becomes the kind of end in its sessions' records.
    func retire(_ entry: Entry, as kind: SessionEnd, _ text: String) {
        guard !entry.isRetiring else { return }
        entry.state = .retiring(entry.description)
        retiring.append(entry.number)
        changes += [.forget(entry.number), .retire(entry.number, as: kind, text)]
    }

    /// Lets files have those of these names that other files had before; returns the names.
    func giveNames(_ ids: Set<String>) -> [String] {
        let entries = names.give(ids, to: inOrder())
        let given = entries.map(\.plugin)  // unknown while they are described
        entries.forEach(describeAgain)
        return given
    }

    /// Describes a refused plugin again.
    func describeAgain(_ entry: Entry) {
        entry.state = .describing
        changes.append(.describe(entry.number))
    }

    /// Refuses a plugin, and logs the reason once.
    func refuse(
        _ entry: Entry, _ reason: String, _ description: PluginDescription? = nil, nameTakenBy other: Int? = nil
    ) {
        // The author knows the file by its own name, not by that of its copy.
        let text = reason.replacing(folder.copy(of: entry.hash), with: entry.file.name)
        entry.state = .refused(text, description, nameTakenBy: other)
        changes += [.forget(entry.number), .refused]
        log.write(.error, "", "\(folder.path(of: entry.file.name)): \(text)")
    }

    // MARK: Findings of workers

    /// Handles the end of these plugins: entries that waited for that, or for their names, go on.
    func ended(_ numbers: [Int]) {
        for number in numbers where entries[number]?.isRetiring == true { entries[number] = nil }
        retiring.removeAll { entries[$0] == nil }
        guard !isStopped else { return }
        for entry in inOrder() {
            switch entry.state {
            case .waiting(let predecessors):
                let left = predecessors.filter { entries[$0]?.isRetiring == true }
                if left.isEmpty { describeAgain(entry) } else { entry.state = .waiting(for: left) }
            case .refused(_, _, let owner?): if entries[owner] == nil { describeAgain(entry) }
            case .held(let description): describe(entry, description)
            case .describing, .ready, .refused, .retiring: break
            }
        }
        folder.sweep(keeping: Set(entries.values.map(\.hash)))
    }

    /// Refuses a plugin that could not be described.
    func couldNotDescribe(_ number: Int, _ text: String) {
        guard let entry = entries[number], entry.isDescribing else { return }
        refuse(entry, text)
    }

    /// Retries a description whose worker was killed from outside, a few times, since such a kill does not incriminate
    /// the plugin's file.
    func killedWhileDescribed(_ number: Int, _ text: String) {
        guard let entry = entries[number], entry.isDescribing else { return }
        entry.killed += 1
        guard entry.killed > Self.mostKilled else { return changes.append(.describe(number)) }
        refuse(entry, text)
    }

    /// Takes a plugin's description: accepts or refuses the plugin.
    func described(_ number: Int, _ description: PluginDescription) {
        guard let entry = entries[number], entry.isDescribing else { return }
        // The worker has checked this already; but plugin code can write to the channel itself.
        if let fault = description.scheduleFault(isZone: TimeZones.has) { return refuse(entry, fault) }
        describe(entry, description)
    }

    /// Resumes entries that were held while a file with a better claim to their name was undescribed.
    private func describeHeld() {
        mayHold = false
        for entry in inOrder() {
            if case .held(let description) = entry.state { describe(entry, description) }
        }
    }

    private func describe(_ entry: Entry, _ description: PluginDescription) {
        switch names.claim(of: entry, to: description.id, among: entries.values, pending: { scanner.pending }) {
        case .free: break
        case .taken(let other):
            return refuse(
                entry, "its name \(description.id) is taken by \(other.file.name): remove one of the two files",
                nameTakenBy: other.number)
        case .undecided:
            entry.state = .held(description)
            mayHold = true
            return
        }
        let layers: PluginLayers
        do {
            layers = try configuration(of: entry, description)
        } catch {
            return refuse(entry, "its configuration is wrong: \(error)", description)
        }
        if let owner = names.formerOwner(of: description.id, otherThan: entry.file.name),
            !layers.parts.isEmpty || folder.hasBelongings(of: description.id)
        {
            return refuse(
                entry,
                "its name \(description.id) was that of \(owner), whose settings, caches and data it would have: if it "
                    + "may have them, schedhost resume \(description.id)", description)
        }
        names.own(description.id, entry.file.name) { Set(entries.values.compactMap(\.id)) }
        guard settleInstances(of: entry, layers.instances) else { return }
        entry.configuration = layers.instance(entry.instance)
        let program = program(of: entry, description)
        if let gap = sandboxGate.gap(in: program.limits) ?? SandboxGate.unmetNeeds(of: description, program) {
            return refuse(entry, gap, description)
        }
        entry.state = .ready(program, description)
        log.write(
            .info, program.name,
            "\(entry.file.name): \(description.id) \(description.version), \(description.routines.count) "
                + (description.routines.count == 1 ? "routine" : "routines"))
        changes.append(.ready(program))
    }
}
