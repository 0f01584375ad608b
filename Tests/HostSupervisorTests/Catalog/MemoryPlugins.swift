import Glibc
import HostPolicy
import HostValues

@testable import HostInspection
@testable import HostSupervisor
@testable import HostSystem

/// A plugins directory in memory.
final class MemoryPlugins: PluginFolder {
    /// What a scan finds in a file.
    struct File {
        var finding: ScanFinding
        /// Other numbers are other stamps.
        var version: UInt64 = 0
        var isFresh = false
    }

    let path = "/plugins"
    func watch(configuration: String?, _ handler: @escaping (DirectoryWatch.Change) -> Void) {}
    var files: [String: File] = [:]
    /// Configuration files, by path.
    var configurations: [String: String] = [:]
    /// Why the directory cannot be opened.
    var fault: SystemError?
    /// No file can be copied.
    var isFull = false
    private(set) var scans = 0
    private(set) var copies: Set<String> = []
    private(set) var isOpen = false
    private var next: UInt64 = 0

    static let gone = SystemError("open", "/plugins", number: 2)
    static let denied = SystemError("open", "/plugins", number: 13)

    /// Puts a plugin of that content in place.
    func put(_ name: String, _ content: String) {
        next += 1
        let file = PluginFile(
            name: name, identity: .init(device: 1, inode: next, size: 1, modified: Int64(next)), buildID: content,
            language: .c, abiMajor: 1, abiMinor: 0, needsMinor: 0)
        files[name] = File(finding: .plugin(file, content: content), version: next)
    }

    /// Puts something else in place.
    func put(_ name: String, finding: ScanFinding) {
        next += 1
        files[name] = File(finding: finding, version: next)
    }

    func open() throws(SystemError) {
        if let fault { throw fault }
        isOpen = true
    }
    func close() { isOpen = false }
    func names() -> [String]? { fault == nil ? Array(files.keys) : nil }
    func isGone(_ name: String) -> Bool { files[name] == nil }

    func stamp(of name: String) -> PluginFolderStamp? {
        guard let file = files[name] else { return nil }
        return PluginFolderStamp(stamp: .test(file.version), isFresh: file.isFresh)
    }

    /// What passes while a file is scanned.
    var scanTime: () -> Void = {}

    func scan(_ name: String, mayBeWritten: Bool) -> ScanFinding {
        scans += 1
        scanTime()
        guard let file = files[name] else { return .absent }
        if case .plugin(_, let content) = file.finding {
            if isFull { return .unclear("\(name): no copy of it: No space left on device") }
            copies.insert(content)
        }
        return file.finding
    }

    /// The libraries that a file is linked with.
    var needed: [String: Set<String>] = [:]
    func needing(_ names: Set<String>) -> [String] {
        needed.filter { files[$0.key] != nil && !$0.value.isDisjoint(with: names) }.map(\.key)
    }
    func libraries(of content: String) -> String? { nil }
    var libraryNames: Set<String> { [] }

    func hasCopy(of content: String) -> Bool { copies.contains(content) }
    func restoreCopy(of name: String) { _ = scan(name, mayBeWritten: false) }
    /// What a cleaner does.
    func removeCopies() { copies = [] }

    func copy(of content: String) -> String { "/state/plugins/\(content).so" }
    func sweep(keeping contents: Set<String>) { copies.formIntersection(contents) }

    /// What was kept of the names' owners.
    var kept = PluginOwners()
    /// The ids of plugins that have cached values or data.
    var belongings: Set<String> = []
    func hasBelongings(of id: String) -> Bool { belongings.contains(id) }
    func owners() -> PluginOwners { kept }
    func keep(_ owners: PluginOwners) { kept = owners }

    /// The configuration files that other users can write.
    var unsafe: Set<String> = []

    func configuration(_ path: String, isOptional: Bool) throws(SystemError) -> ConfigurationFiles.Content? {
        if let text = configurations[path] {
            return .init(bytes: Array(text.utf8), fault: unsafe.contains(path) ? .mode(0o666) : nil)
        }
        if isOptional { return nil }
        throw SystemError("open", path, number: 2)
    }
}

extension PluginDirectory.Stamp {
    /// A stamp that differs from those of other numbers.
    static func test(_ number: UInt64) -> PluginDirectory.Stamp {
        PluginDirectory.Stamp(file: .test(inode: number), directory: .test(inode: 0))
    }
}

extension FileStatus {
    /// A regular file that is told from others by its inode number.
    static func test(inode: UInt64) -> FileStatus {
        var status = stat()
        status.st_mode = S_IFREG | 0o600
        status.st_ino = ino_t(inode)
        return FileStatus(status)
    }
}
