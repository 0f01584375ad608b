internal import HostCore
internal import HostSystem

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
    /// The path of the copy with that content.
    func copy(of content: String) -> String
    /// Removes the copies of all other contents.
    func sweep(keeping contents: Set<String>)
    /// The bytes of a configuration file; nil when it may be absent and is.
    func configuration(_ path: String, isOptional: Bool) throws(SystemError) -> [UInt8]?
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
    private let copies: PrivateCopies
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
        _ path: String, state: borrowing Directory, allowsUnsafePermissions: Bool, loop: EventLoop,
        deadlines: Deadlines, clock: any HostClock
    ) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.deadlines = deadlines
        self.allowsUnsafePermissions = allowsUnsafePermissions
        self.clock = clock
        copies = try PrivateCopies(in: state)
    }

    func watch(configuration: String?, _ handler: @escaping (DirectoryWatch.Change) -> Void) throws(SystemError) {
        watch = try DirectoryWatch(
            path, configuration: configuration, loop: loop, deadlines: deadlines, clock: clock, handler: handler)
    }

    func open() throws(SystemError) { directory = try OpenDirectory(path) }
    func close() { directory = nil }
    func names() -> [String]? { try? Directory(path).names() }

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
            stamp: PluginDirectory.Stamp(file: status, directory: directory.status),
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
            case false, nil: return takeCopy(of: candidate, try candidate.inspect())
            }
        } catch {
            switch error.reason {
            case .unreadable(let fault) where fault.isNotFound: return .absent
            case .unreadable(let fault) where fault.isShortage: return .unclear("\(error)")
            case let reason where reason.isPerhapsUnfinished: return .incomplete("\(error)")
            default: return .refused("\(error)")
            }
        }
    }

    private func takeCopy(of candidate: Candidate, _ file: PluginFile) -> ScanFinding {
        do throws(PrivateCopies.Failure) {
            return .plugin(file, content: try copies.take(candidate))
        } catch {
            switch error {
            case .changing: return .changing
            case .system(let error): return .unclear("\(candidate.path): no copy of it: \(error)")
            }
        }
    }

    func copy(of content: String) -> String { copies.path(of: content) }
    func sweep(keeping contents: Set<String>) { copies.sweep(keeping: contents) }

    func configuration(_ path: String, isOptional: Bool) throws(SystemError) -> [UInt8]? {
        try ConfigurationFiles.read(path, isOptional: isOptional)
    }
}
