import HostStore
import HostSystem
import HostValues
import Synchronization

/// Directories in memory, with the failures that a test asks for: every step can fail, fall short or be the last.
final class MemoryFolder: CacheFolder {
    /// What happens at one step.
    enum Mishap: Equatable {
        /// The call fails with this `errno` and does nothing.
        case failure(Int32)
        /// The process dies before the call: this and all further calls do nothing.
        case crash
        /// A write takes one byte only.
        case shortWrite
    }

    /// Files and folders by path; shared by all folders of a tree, and what a crash leaves.
    final class Disk: Sendable {
        struct State {
            var files: [String: [UInt8]] = [:]
            var folders: Set<String> = [""]
            var locks: Set<String> = []
            var marks: [String: CacheMark] = [:]
            /// When each file was written last: a number that grows.
            var written: [String: Int64] = [:]
            var writes: Int64 = 0
            var step = 0
            var mishap: (step: Int?, call: String?, what: Mishap)?
            var isDead = false
            var canExchange = true
            var log: [String] = []
            /// What else happens at the next call of that name.
            var meanwhile: (call: String, body: @Sendable () -> Void)?
        }

        let state = Mutex(State())

        var files: [String: [UInt8]] { state.withLock { $0.files } }
        /// The calls that change something, since the last `arm`.
        var log: [String] { state.withLock { $0.log } }

        func set(_ path: String, _ bytes: [UInt8]?) {
            state.withLock {
                $0.files[path] = bytes
                $0.writes += 1
                $0.written[path] = $0.writes
            }
        }

        /// Counts steps anew, and lets something happen at one of them.
        func arm(_ what: Mishap?, at step: Int = 0) {
            state.withLock {
                $0.step = 0
                $0.log = []
                $0.mishap = what.map { (step, nil, $0) }
            }
        }

        /// Has something happen once, in the middle of the next call of that name: as by another thread.
        func meanwhile(_ call: String, _ body: @escaping @Sendable () -> Void) {
            state.withLock { $0.meanwhile = (call, body) }
        }

        fileprivate func reach(_ call: String) {
            let body = state.withLock { state -> (@Sendable () -> Void)? in
                guard state.meanwhile?.call == call else { return nil }
                defer { state.meanwhile = nil }
                return state.meanwhile?.body
            }
            body?()
        }

        /// Has every call of that name fail, until something else is asked for.
        func arm(_ what: Mishap, only call: String) { state.withLock { $0.mishap = (nil, call, what) } }

        /// A new process finds the files, and no lock.
        func restart() {
            state.withLock {
                $0.isDead = false
                $0.mishap = nil
                $0.locks = []
            }
        }

        /// One step that changes something; true when a write shall fall short.
        func step(_ call: String, _ path: String) throws(SystemError) -> Bool {
            reach(call)
            let (number, short): (Int32?, Bool) = state.withLock { state in
                if state.isDead { return (5, false) }
                defer { state.step += 1 }
                state.log.append(call)
                guard let mishap = state.mishap, mishap.call.map({ $0 == call }) ?? (mishap.step == state.step) else {
                    return (nil, false)
                }
                switch mishap.what {
                case .failure(let number): return (number, false)
                case .shortWrite: return (nil, true)
                case .crash:
                    state.isDead = true
                    return (5, false)
                }
            }
            if let number { throw SystemError(call, path, number: number) }
            return short
        }
    }

    let disk: Disk
    private let path: String

    init(_ disk: Disk = Disk(), path: String = "") {
        self.disk = disk
        self.path = path
    }

    private func child(_ name: String) -> String { path.isEmpty ? name : path + "/" + name }

    func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder {
        let path = child(name)
        if create, !disk.state.withLock({ $0.folders.contains(path) }) {
            _ = try disk.step("mkdir", path)
            disk.state.withLock { _ = $0.folders.insert(path) }
        }
        guard disk.state.withLock({ $0.folders.contains(path) }) else { throw SystemError("openat", path, number: 2) }
        return MemoryFolder(disk, path: path)
    }

    func names() throws(SystemError) -> [String] {
        let prefix = path.isEmpty ? "" : path + "/"
        return disk.state.withLock { state in
            (Array(state.files.keys) + Array(state.folders)).filter { $0.hasPrefix(prefix) }
                .map { String($0.dropFirst(prefix.count)) }.filter { !$0.isEmpty && !$0.contains("/") }.sorted()
        }
    }

    func status(_ name: String) throws(SystemError) -> CacheFileStatus {
        let path = child(name)
        return try disk.state.withLock { state throws(SystemError) in
            guard let bytes = state.files[path] else { throw SystemError("fstatat", path, number: 2) }
            return CacheFileStatus(
                written: WallTime(nanoseconds: state.written[path] ?? 0), size: bytes.count, number: 0)
        }
    }

    func open(_ name: String) throws(SystemError) -> any CacheFile {
        guard let bytes = disk.files[child(name)] else { throw SystemError("openat", child(name), number: 2) }
        disk.reach("open")
        return MemoryFile(disk, child(name), bytes)
    }

    func create(_ name: FileName) throws(SystemError) -> any CacheFile {
        let name = name.text
        _ = try disk.step("create", child(name))
        if disk.files[child(name)] != nil { throw SystemError("openat", child(name), number: 17) }
        disk.set(child(name), [])
        return MemoryFile(disk, child(name), [])
    }

    func reopen(_ name: FileName) -> (any CacheFile)? {
        guard (try? disk.step("reopen", child(name.text))) != nil, let bytes = disk.files[child(name.text)] else {
            return nil
        }
        return MemoryFile(disk, child(name.text), bytes)
    }

    func exchange(_ one: FileName, with other: FileName) throws(SystemError) -> Bool {
        let (one, other) = (child(one.text), child(other.text))
        _ = try disk.step("exchange", one)
        if !disk.state.withLock({ $0.canExchange }) { return false }
        guard let first = disk.files[one], let second = disk.files[other] else {
            throw SystemError("renameat2", one, number: 2)
        }
        disk.set(one, second)
        disk.set(other, first)
        return true
    }

    func rename(_ old: FileName, to new: FileName) throws(SystemError) {
        let (old, new) = (old.text, new.text)
        _ = try disk.step("rename", child(old))
        guard let bytes = disk.files[child(old)] else { throw SystemError("renameat", child(old), number: 2) }
        disk.set(child(old), nil)
        disk.set(child(new), bytes)
    }

    func remove(_ name: String) throws(SystemError) {
        _ = try disk.step("remove", child(name))
        guard disk.files[child(name)] != nil else { throw SystemError("unlinkat", child(name), number: 2) }
        disk.set(child(name), nil)
    }

    func synchronize() throws(SystemError) { _ = try disk.step("fsync", path) }

    func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        _ = try disk.step("lock", child(name))
        let key = "\(child(name))@\(offset)"
        guard disk.state.withLock({ $0.locks.insert(key).inserted }) else { return nil }
        return MemoryLock(disk, key, file: child(name))
    }
}

private final class MemoryFile: CacheFile {
    private let disk: MemoryFolder.Disk
    private let path: String
    private var bytes: [UInt8]
    private var written = 0

    init(_ disk: MemoryFolder.Disk, _ path: String, _ bytes: [UInt8]) {
        self.disk = disk
        self.path = path
        self.bytes = bytes
    }

    func size() throws(SystemError) -> Int { bytes.count }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        let part = bytes.dropFirst(offset).prefix(buffer.count)
        unsafe buffer.copyBytes(from: part)
        return part.count
    }

    func pages(_ size: Int) -> FilePages? { nil }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        let short = try disk.step("write", path)
        let part = unsafe bytes.prefix(short ? 1 : bytes.count)
        let replaced = unsafe written..<max(written, min(self.bytes.count, written + part.count))
        self.bytes.replaceSubrange(replaced, with: unsafe Array(part))
        unsafe written += part.count
        disk.set(path, self.bytes)
        return unsafe part.count
    }

    func truncate(to size: Int) throws(SystemError) {
        _ = try disk.step("ftruncate", path)
        bytes = Array(bytes.prefix(size))
        disk.set(path, bytes)
    }

    func synchronize() throws(SystemError) { _ = try disk.step("fdatasync", path) }
    func close() throws(SystemError) { _ = try disk.step("close", path) }
}

private final class MemoryLock: CacheFileLock {
    private let disk: MemoryFolder.Disk
    private let key: String
    private let file: String

    init(_ disk: MemoryFolder.Disk, _ key: String, file: String) {
        self.disk = disk
        self.key = key
        self.file = file
    }

    func mark() throws(SystemError) -> CacheMark { disk.state.withLock { $0.marks[file] ?? CacheMark() } }

    func setMark(_ mark: CacheMark) throws(SystemError) {
        _ = try disk.step("mark", file)
        disk.state.withLock { $0.marks[file] = mark }
    }

    func release() { disk.state.withLock { _ = $0.locks.remove(key) } }
    deinit { release() }
}
