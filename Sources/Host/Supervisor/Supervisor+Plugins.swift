internal import HostCore
internal import HostSystem

/// The plugins directory: which files are plugins, and what happens when one comes, changes or goes.
extension Supervisor {
    /// How long files are looked at before workers are heard again, ns.
    private static let lookShare: Int64 = 5_000_000
    /// After how long a look that could not tell is made again, ns.
    private static let retry: Int64 = 2_000_000_000

    /// A file that is to be looked at.
    struct PendingLook {
        /// Its stamp may be the old one all the same: an event says that it has changed.
        var isForced = false
        /// The event does not say that its writer has finished.
        var isUnsure = false
        /// Something incomplete may become whole.
        var isPatient = true
        /// Not earlier than that, monotonic ns.
        var notBefore: Int64 = .min
        /// The last look could not tell, and perhaps none will: nobody waits for this one.
        var isRetry = false
    }

    /// Begins to watch the directory, and looks at all that is there.
    func watchPlugins() throws {
        looks.timer = deadlines.make { [unowned self] _ in performLooks() }
        looks.doubts = deadlines.make { [unowned self] now in doubtsAreOver(now) }
        watch = try DirectoryWatch(
            options.plugins, configuration: options.configuration, loop: loop, deadlines: deadlines, clock: clock
        ) { [unowned self] change in
            directoryChanged(change)
        }
        scan(isPatient: false)
    }

    /// Looks at the whole directory, and takes up what is new, changed or gone.
    func scan(isPatient: Bool = true) {
        guard !isStopping else { return }
        let present = (try? Directory(options.plugins).names()) ?? []
        for name in Set(present).union(looks.known.names) where PluginFile.isCandidate(name) {
            looks.add(name, looks.pending[name] ?? PendingLook(isPatient: isPatient))
        }
        performLooks()
    }

    private func directoryChanged(_ change: DirectoryWatch.Change) {
        guard !isStopping else { return }
        for name in change.touched.subtracting(change.settled) where PluginFile.isCandidate(name) {
            looks.add(name, PendingLook(isForced: true, isUnsure: true))
        }
        for name in change.settled where PluginFile.isCandidate(name) {
            looks.add(name, PendingLook(isForced: true))
        }
        if change.isWhole { scan() } else { performLooks() }
        configurationChanged(change.settled, isWhole: change.isWhole)
    }

    // MARK: Looking

    /// Looks at the files that are pending, for a while; the rest follows when the loop has come round.
    private func performLooks() {
        guard !isStopping else { return looks.removeAll() }
        let directory: Directory?
        do throws(SystemError) {
            directory = try Directory(options.plugins)
            looks.hasFault = false
        } catch {
            if !error.isNotFound {
                // Whatever it is, it says nothing about the files: what runs goes on.
                if !looks.hasFault { log.write(.error, "", "\(error)") }
                looks.hasFault = true
                return looks.again(in: 1_000_000_000, deadlines, clock)
            }
            directory = nil
        }
        look(in: directory)
        looks.armDoubts(deadlines)
    }

    private func look(in directory: consuming Directory?) {
        guard let directory else {
            for name in looks.known.names { take(name, .absent, stamp: nil, isPatient: true) }
            looks.removeAll()
            return
        }
        // What is gone comes first: its name and its content may be another file's now.
        for name in looks.takeNew() where isGone(name, from: directory) {
            looks.remove(name)
            take(name, .absent, stamp: nil, isPatient: true)
        }
        let folder = try? directory.descriptor.status(subject: options.plugins)
        let now = clock.monotonic()
        let end = now + Self.lookShare
        while let (name, look) = looks.next(at: now) {
            if let folder { self.look(at: name, in: directory, folder, look) }
            if clock.monotonic() >= end { break }
        }
        looks.arm(deadlines)
    }

    private func isGone(_ name: String, from directory: borrowing Directory) -> Bool {
        do throws(SystemError) {
            _ = try directory.status(name)
            return false
        } catch {
            return error.isNotFound
        }
    }

    /// Looks at a file again after a while, also if no event tells that it has changed.
    private func lookAgain(_ name: String, in time: Int64, isRetry: Bool = false) {
        looks.add(
            name, PendingLook(isForced: true, notBefore: clock.monotonic() + time, isRetry: isRetry))
    }

    private func look(at name: String, in directory: borrowing Directory, _ folder: FileStatus, _ look: PendingLook) {
        let status = try? directory.status(name, followLink: true)
        let stamp = status.map { PluginDirectory.Stamp(file: $0, directory: folder) }
        if !look.isForced, let stamp, looks.known.isKnown(name, stamp) { return }
        if let status, status.kind == .regular, let file = try? directory.openForReading(name, followLink: true) {
            switch file.hasWriter {
            case true: return take(name, .busy, stamp: nil, isPatient: true)
            case nil where look.isUnsure: return  // its writer's end is told by an event of its own
            case false, nil: break
            }
        }
        let isFresh = status.map { PluginDirectory.isFresh($0, wall: clock.wall()) } ?? true
        let kept = isFresh ? nil : stamp
        do throws(Refusal) {
            let file = try PluginFile.inspect(
                directory, name: name, allowUnsafePermissions: options.allowsUnsafePermissions)
            takeUp(file, in: directory, stamp: kept, look)
        } catch {
            switch error.reason {
            case .unreadable(let error) where error.isNotFound: take(name, .absent, stamp: nil, isPatient: true)
            case .unreadable(let fault) where fault.isShortage:
                take(name, .unclear(why: "\(error)"), stamp: nil, isPatient: true)
                lookAgain(name, in: Self.retry, isRetry: true)
            case let reason where reason.isPerhapsUnfinished:
                take(name, .incomplete(why: "\(error)"), stamp: kept, isPatient: look.isPatient)
            default: take(name, .refused(why: "\(error)"), stamp: kept, isPatient: look.isPatient)
            }
        }
    }

    /// A file that is a plugin: its content decides what follows.
    private func takeUp(
        _ file: PluginFile, in directory: borrowing Directory, stamp: PluginDirectory.Stamp?, _ look: PendingLook
    ) {
        let name = file.name
        do throws(PrivateCopies.Failure) {
            let content = try copies.take(name, in: directory, identity: file.identity)
            take(name, .plugin(content: content), stamp: stamp, isPatient: look.isPatient, file: file)
        } catch {
            switch error {
            case .changing:
                take(name, .busy, stamp: nil, isPatient: true)
                // Its writer's last event may have come before this look.
                lookAgain(name, in: 20_000_000)
            case .system(let error):
                take(name, .unclear(why: "\(path(of: name)): no copy of it: \(error)"), stamp: nil, isPatient: true)
                lookAgain(name, in: Self.retry, isRetry: true)
            }
        }
    }

    private func doubtsAreOver(_ now: Int64) {
        for (name, action) in looks.known.expire(at: now) { perform(action, on: name, file: nil) }
        looks.armDoubts(deadlines)
    }

    // MARK: What follows

    private func take(
        _ name: String, _ sight: PluginDirectory.Sight, stamp: PluginDirectory.Stamp?, isPatient: Bool,
        file: PluginFile? = nil
    ) {
        let action = looks.known.take(name, sight, stamp: stamp, isPatient: isPatient, at: clock.monotonic())
        perform(action, on: name, file: file)
    }

    private func perform(_ action: PluginDirectory.Action, on name: String, file: PluginFile?) {
        var present: PluginEntry? { plugins.values.first { $0.fileName == name && $0.state != .removed } }
        switch action {
        case .none: break
        case .add: add(file)
        case .replace:
            if let present { depart(present, as: .reloaded, "its file has changed") }
            add(file)
        case .retry:
            if let present, case .refused = present.state { tryAgain(present) }
        case .remove:
            guard let present else { break }
            log.write(.info, present.name, "\(name) is gone")
            depart(present, as: .removed, "its file is gone")
        case .refuse(let why): log.write(.error, "", why)
        case .withdraw(let why):
            log.write(.error, "", why)
            if let present { depart(present, as: .removed, "its file is no plugin any more") }
        }
    }

    private func add(_ file: PluginFile?) {
        guard let file, let hash = looks.known.content(of: file.name) else { return }
        enter(PluginEntry(number: nextNumber, file: file, hash: hash, loadPath: copies.path(of: hash)))
    }

    /// Takes a plugin up; it is loaded as soon as what it replaces has ended.
    func enter(_ plugin: PluginEntry) {
        nextNumber += 1
        plugins[plugin.number] = plugin
        plugin.predecessors = Set(
            departing.filter { $0.fileName == plugin.fileName || $0.hash == plugin.hash }.map(\.number))
        if plugin.predecessors.isEmpty { fleet.enqueue(plugin.number) } else { plugin.state = .waiting }
    }

    /// Loads a plugin again that was refused.
    func tryAgain(_ plugin: PluginEntry) {
        plugin.state = .describing
        plugin.shadowedBy = nil
        plugin.description = nil
        fleet.enqueue(plugin.number)
    }

    // MARK: Loading

    /// Takes up what a plugin says of itself, or refuses it.
    func describe(_ plugin: PluginEntry, _ description: PluginDescription) {
        let others = plugins.values.filter { $0 !== plugin && $0.description?.id == description.id }
        if let other = others.first(where: { $0.state == .ready }) {
            plugin.shadowedBy = other.number
            refuse(plugin, "its name \(description.id) is taken by \(other.fileName): remove one of the two files")
            return
        }
        plugin.description = description
        // The one that had the name is ending: the routines begin when it has ended.
        plugin.isHeld = others.contains { other in departing.contains { $0 === other } }
        if plugin.isHeld { return }
        readConfiguration(of: plugin, description)
        guard plugin.state == .describing else { return }
        plugin.state = .ready
        log.write(
            .info, plugin.name,
            "\(plugin.fileName): \(description.id) \(description.version), \(description.routines.count) "
                + (description.routines.count == 1 ? "routine" : "routines"))
        plugin.settings = settings(of: description, in: plugin)
        book.add(program(of: plugin))
    }

    /// The settings of all routines. Equal ones share their storage: with many routines it is what takes most memory.
    private func settings(of description: PluginDescription, in plugin: PluginEntry) -> [EffectiveSettings] {
        var all: [EffectiveSettings] = []
        for routine in description.routines {
            let settings = settings(of: routine, in: plugin)
            all.append(all.last == settings ? all[all.count - 1] : settings)
        }
        return all
    }

    private func program(of plugin: PluginEntry) -> Program {
        var routines: [Program.Routine] = []
        for (settings, description) in zip(plugin.settings, plugin.description?.routines ?? []) {
            let content =
                if let last = routines.last, last.settings == settings { last.content } else {
                    plugin.content(for: settings)
                }
            routines.append(Program.Routine(name: description.name, settings: settings, content: content))
        }
        return Program(
            number: plugin.number, name: plugin.name, version: plugin.description?.version ?? "",
            build: plugin.file.buildID, isolation: isolation(of: plugin), sharedLimits: sharedLimits,
            load: load(plugin, isForRunning: true), routines: routines)
    }

    /// A plugin cannot be used: said once.
    func refuse(_ plugin: PluginEntry, _ reason: String) {
        fleet.leaveQueue(plugin.number)
        guard plugin.state == .describing else { return }
        // The author knows the file by its own name, not by its copy's.
        let file = path(of: plugin.fileName)
        let text = reason.replacing(plugin.loadPath, with: plugin.fileName)
        plugin.state = .refused(text)
        log.write(.error, "", "\(file): \(text)")
    }

    /// The path of an entry of the plugins directory.
    func path(of name: String) -> String {
        options.plugins.hasSuffix("/") ? options.plugins + name : options.plugins + "/" + name
    }
}
