internal import HostInspection
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// The plugins directory, and the copies of the plugins in it, as the catalog uses them. A protocol, so that tests can
/// replace it.
protocol PluginFolder: AnyObject {
    /// The directory's path, for messages.
    var path: String { get }
    /// Starts to report changes in the directory, and in a configuration file outside of it.
    func watch(configuration: String?, _ handler: @escaping (DirectoryWatch.Change) -> Void) throws(SystemError)
    /// Begins a round of scans in the directory that the path leads to now, which ends with `close`. Throws if there is
    /// none.
    func open() throws(SystemError)
    /// Ends a round of scans. Between rounds no descriptor of the directory is open.
    func close()
    /// The names of the entries; nil if the directory cannot be read.
    func names() -> [String]?
    /// Whether an entry certainly does not exist.
    func isGone(_ name: String) -> Bool
    /// The stamp that a scan of the entry would depend on; nil if there is no such file.
    func stamp(of name: String) -> PluginFolderStamp?
    /// Scans an entry, and copies it if it is a plugin. `mayBeWritten` says that its writer may not have finished.
    func scan(_ name: String, mayBeWritten: Bool) -> ScanFinding
    /// The files that need a library with one of these names.
    func needing(_ names: Set<String>) -> [String]
    /// The files that are named like plugins but are libraries.
    var libraryNames: Set<String> { get }
    /// The folder with copies of the libraries that a plugin needs from its directory; nil if there are none.
    func libraries(of content: String) -> String?
    /// Whether there is a copy with that content.
    func hasCopy(of content: String) -> Bool
    /// Makes the copy of a file's content again.
    func restoreCopy(of name: String)
    /// The path of the copy with that content.
    func copy(of content: String) -> String
    /// Removes all copies with other contents.
    func sweep(keeping contents: Set<String>)
    /// Whether a plugin with that id has cached values or data.
    func hasBelongings(of id: String) -> Bool
    /// The owners of plugins' names, as saved last.
    func owners() -> PluginOwners
    /// Saves the owners of plugins' names.
    func keep(_ owners: PluginOwners)
    /// The content of a configuration file; nil if it is optional and absent. Throws if other users can write it, unless
    /// that is allowed.
    func configuration(_ path: String, isOptional: Bool) throws -> ConfigurationFiles.Content?
}

extension PluginFolder {
    /// The path of an entry.
    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
}

/// The state of a file that a scan's result depends on.
struct PluginFolderStamp {
    var stamp: PluginDirectory.Stamp
    /// Whether the file was changed so recently that another change might leave the stamp equal.
    var isFresh: Bool
}

/// The result of a scan.
enum ScanFinding: Equatable {
    case absent
    /// Another process has the file open for writing.
    case busy
    /// The file system does not tell whether the file has a writer; an event will report when the writing ends.
    case untold
    /// The file changed while it was read.
    case changing
    /// A plugin, which was copied.
    case plugin(PluginFile, content: String)
    /// A library without a plugin in it.
    case library(String)
    /// Not a plugin, but perhaps only incomplete.
    case incomplete(String)
    /// The scan failed for a reason other than the file's content.
    case unclear(String)
    /// Not a usable plugin.
    case refused(String)
}

/// The real plugins directory, with copies in the state directory.
final class SystemPluginFolder: PluginFolder {
    let path: String
    private let allowsUnsafePermissions: Bool
    private let loop: EventLoop
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let polls: Bool
    private let log: any LogSink
    /// The library names that each plugin is linked with, directly or through libraries in the directory.
    private var wanted: [String: Set<String>] = [:]
    private(set) var libraryNames: Set<String> = []
    /// How many changes of the directory or of the configuration outside of it were reported.
    private(set) var changes = 0
    /// The names by which libraries are needed, if they differ from the files' names: `libx.so`, a link to `libx.so.1`.
    private var ownNames: [String: String] = [:]
    /// The messages about unreadable names that were logged.
    private var told: Set<String> = []
    private static let ownersFile = "names.json"

    private let state: Directory
    private var copies: PrivateCopies
    /// The owners of names as saved last.
    private var kept = PluginOwners()
    private var watch: DirectoryWatch?
    private var directory: OpenDirectory?

    /// An open directory in an object, so that it can be optional.
    private final class OpenDirectory {
        let directory: Directory
        let status: FileStatus

        init(_ path: String) throws(SystemError) {
            directory = try Directory(path)
            status = try directory.descriptor.status(subject: path)
        }
    }

    init(
        _ path: String, state: borrowing Directory, allowsUnsafePermissions: Bool, polls: Bool, loop: EventLoop,
        deadlines: Deadlines, clock: any HostClock, log: any LogSink
    ) throws(SystemError) {
        self.path = path
        self.polls = polls
        self.log = log
        self.loop = loop
        self.deadlines = deadlines
        self.allowsUnsafePermissions = allowsUnsafePermissions
        self.clock = clock
        copies = try PrivateCopies(in: state)
        self.state = try Directory(state.path)
    }

    func watch(configuration: String?, _ handler: @escaping (DirectoryWatch.Change) -> Void) throws(SystemError) {
        watch = try DirectoryWatch(
            path, configuration: configuration, polls: polls, loop: loop, deadlines: deadlines, clock: clock, log: log
        ) { [unowned self] change in
            changes += 1
            handler(change)
        }
    }

    func open() throws(SystemError) { directory = try OpenDirectory(path) }
    func close() { directory = nil }

    func names() -> [String]? {
        guard let (names, foreign) = try? Directory(path).listing() else { return nil }
        let unread = Set(foreign.compactMap { ForeignNames.fault(of: $0, in: self.path(of: $0)) })
        for fault in unread.subtracting(told).sorted() { log.write(.error, "", fault) }
        told = unread
        return names
    }

    func isGone(_ name: String) -> Bool {
        guard let directory else { return false }
        do throws(SystemError) {
            _ = try directory.directory.status(name)
            return false
        } catch {
            return error.isNotFound
        }
    }

    func stamp(of name: String) -> PluginFolderStamp? {
        guard let directory, let status = try? directory.directory.status(name, followLink: true) else { return nil }
        return PluginFolderStamp(
            stamp: PluginDirectory.Stamp(
                file: status, directory: directory.status,
                libraries: (wanted[name] ?? []).sorted().map { try? directory.directory.status($0, followLink: true) }),
            isFresh: PluginDirectory.isFresh(status, wall: clock.wall()))
    }

    func scan(_ name: String, mayBeWritten: Bool) -> ScanFinding {
        guard let directory else { return .absent }
        do throws(Refusal) {
            let candidate = try Candidate(
                directory.directory, name: name, allowUnsafePermissions: allowsUnsafePermissions)
            switch candidate.hasWriter {
            case true: return .busy
            case nil where mayBeWritten: return .untold
            case false, nil: break
            }
            let file = try candidate.inspect()
            libraryNames.remove(name)
            let libraries = Libraries(
                of: file, in: directory.directory, allowUnsafePermissions: allowsUnsafePermissions)
            wanted[name] = libraries.wanted
            if libraries.found.contains(where: { $0.hasWriter == true }) { return .busy }
            return takeCopy(of: candidate, libraries.found, file)
        } catch {
            switch error.reason {
            case .unreadable(let fault) where fault.isNotFound:
                forget(name)
                return .absent
            case .unreadable(let fault) where fault.isShortage: return .unclear("\(error)")
            case .noNote:
                libraryNames.insert(name)
                let library = try? Candidate(
                    directory.directory, name: name, allowUnsafePermissions: allowsUnsafePermissions)
                ownNames[name] = library?.ownName
                return .library("\(error)")
            case let reason where reason.isPerhapsUnfinished: return .incomplete("\(error)")
            default: return .refused("\(error)")
            }
        }
    }

    /// Forgets what was learnt of a file that is gone: names may come and go as long as the host lives.
    private func forget(_ name: String) {
        libraryNames.remove(name)
        ownNames[name] = nil
        wanted[name] = nil
    }

    private func takeCopy(of candidate: Candidate, _ libraries: [Candidate], _ file: PluginFile) -> ScanFinding {
        do throws(PrivateCopies.Failure) {
            return .plugin(file, content: try copies.take(candidate, with: libraries))
        } catch {
            switch error {
            case .changing: return .changing
            case .collision:
                return .refused(
                    "\(candidate.path): its bytes were chosen so that they look like another plugin's: build it again")
            case .system(let error): return .unclear("\(candidate.path): no copy of it: \(error)")
            }
        }
    }

    func needing(_ names: Set<String>) -> [String] {
        // A copy of a system library under another name is not what the linker would find in this directory.
        let names = names.union(names.compactMap { ownNames[$0] }.filter { (try? Directory(path).status($0)) != nil })
        return wanted.filter { !$0.value.isDisjoint(with: names) }.map(\.key)
    }

    func libraries(of content: String) -> String? { copies.libraries(of: content) }

    func hasCopy(of content: String) -> Bool { copies.has(content) }

    func restoreCopy(of name: String) {
        if (try? state.status("plugins")) == nil, let new = try? PrivateCopies(in: state) { copies = new }
        guard (try? open()) != nil else { return }
        _ = scan(name, mayBeWritten: false)
        close()
    }

    func copy(of content: String) -> String { copies.path(of: content) }
    func sweep(keeping contents: Set<String>) { copies.sweep(keeping: contents) }

    func hasBelongings(of id: String) -> Bool {
        let name = CacheName.encode(id)
        if let data = try? state.directory("data").directory(name).names(), !data.isEmpty { return true }
        guard let caches = try? state.directory("cache").directory("v1").directory(name),
            let routines = try? caches.names()
        else { return false }
        return routines.contains { routine in
            (try? caches.directory(routine).names())?.contains { $0.hasSuffix(".shc") } == true
        }
    }

    func owners() -> PluginOwners {
        guard let file = try? state.openForReading(Self.ownersFile),
            let bytes = try? file.readAll(limit: 4 << 20, subject: Self.ownersFile)
        else { return PluginOwners() }
        kept = PluginOwners(bytes)
        return kept
    }

    func keep(_ owners: PluginOwners) {
        guard owners != kept else { return }
        kept = owners
        // If this fails, the next host decides by the files' names.
        try? state.replace(Self.ownersFile, with: owners.bytes)
    }

    func configuration(_ path: String, isOptional: Bool) throws -> ConfigurationFiles.Content? {
        try ConfigurationFiles.read(path, isOptional: isOptional, allowsUnsafePermissions: allowsUnsafePermissions)
    }
}
