internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The plugins directory and the copies of what was found in it, as the catalog sees them: the real ones, or a test's.
protocol PluginFolder: AnyObject {
    /// Where it is, for messages.
    var path: String { get }
    /// Begins to tell what changes in it, and in a configuration file that lies elsewhere.
    func watch(configuration: String?, _ handler: @escaping (DirectoryWatch.Change) -> Void) throws(SystemError)
    /// Begins a round of scans in what the path leads to now, until `close`. Throws also when there is none.
    func open() throws(SystemError)
    /// Ends a round: nothing is held in the directory between two.
    func close()
    /// The names in it; nil when it cannot be read.
    func names() -> [String]?
    /// Whether an entry is certainly not there.
    func isGone(_ name: String) -> Bool
    /// What a scan of an entry would depend on; nil when there is no such file.
    func stamp(of name: String) -> PluginFolderStamp?
    /// Looks at an entry, and takes a copy of what is a plugin. `mayBeWritten`: what is known of it does not say that its
    /// writer has finished.
    func scan(_ name: String, mayBeWritten: Bool) -> ScanFinding
    /// The files that need one of these names as a library.
    func needing(_ names: Set<String>) -> [String]
    /// The files that are named as plugins are, and are libraries.
    var libraryNames: Set<String> { get }
    /// The folder of the copies of the libraries beside a plugin that it needs; nil when there are none.
    func libraries(of content: String) -> String?
    /// Whether there is a copy with that content.
    func hasCopy(of content: String) -> Bool
    /// Makes the copy of a file's content anew.
    func restoreCopy(of name: String)
    /// The path of the copy with that content.
    func copy(of content: String) -> String
    /// Removes the copies of all other contents.
    func sweep(keeping contents: Set<String>)
    /// Who had which plugin's name when that was kept last.
    func owners() -> PluginOwners
    /// Keeps who has which name.
    func keep(_ owners: PluginOwners)
    /// The bytes of a configuration file; nil when it may be absent and is. Throws also where others can write it, unless
    /// that is allowed.
    func configuration(_ path: String, isOptional: Bool) throws -> [UInt8]?
}

extension PluginFolder {
    /// The path of an entry.
    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
}

/// What a scan depends on.
struct PluginFolderStamp {
    var stamp: PluginDirectory.Stamp
    /// It was changed so recently that it may change again without its stamp changing.
    var isFresh: Bool
}

/// What a scan has found.
enum ScanFinding: Equatable {
    case absent
    /// Somebody writes it.
    case busy
    /// Where it lies the system does not tell whether somebody writes it; the end of that is told by an event of its own.
    case untold
    /// It has changed while it was read.
    case changing
    /// A plugin, of which there is a copy.
    case plugin(PluginFile, content: String)
    /// A library without a plugin in it.
    case library(String)
    /// No plugin, but perhaps only not whole yet.
    case incomplete(String)
    /// Something else than the file is at fault.
    case unclear(String)
    /// No plugin.
    case refused(String)
}

/// The directory itself, with copies in the state directory.
final class SystemPluginFolder: PluginFolder {
    let path: String
    private let allowsUnsafePermissions: Bool
    private let loop: EventLoop
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let polls: Bool
    private let log: any LogSink
    /// The names that each plugin, or a library beside it that it needs, is linked with.
    private var wanted: [String: Set<String>] = [:]
    private(set) var libraryNames: Set<String> = []
    /// The names by which libraries are needed, where their files have others: `libx.so`, a link to `libx.so.1`.
    private var ownNames: [String: String] = [:]
    /// What was said of names that cannot be read.
    private var told: Set<String> = []
    private static let ownersFile = "names.json"

    private let state: Directory
    private var copies: PrivateCopies
    /// What the file of the names' owners says.
    private var kept = PluginOwners()
    private var watch: DirectoryWatch?
    private var directory: OpenDirectory?

    /// A directory that can be held by an optional.
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
            path, configuration: configuration, polls: polls, loop: loop, deadlines: deadlines, clock: clock, log: log,
            handler: handler)
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
            case .unreadable(let fault) where fault.isNotFound: return .absent
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
        // A copy of a library of the system's, under a name of its own, is nothing that the linker would find here.
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
        // Where it fails, the next host goes by the names of the files.
        try? state.replace(Self.ownersFile, with: owners.bytes)
    }

    func configuration(_ path: String, isOptional: Bool) throws -> [UInt8]? {
        try ConfigurationFiles.read(path, isOptional: isOptional, allowsUnsafePermissions: allowsUnsafePermissions)
    }
}
