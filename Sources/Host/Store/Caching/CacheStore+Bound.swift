internal import HostSystem
internal import HostValues
internal import Synchronization

/// The limit on a cache's keyed values on disk: a number of files and a number of bytes.
///
/// A save only counts. When the counts exceed the limit, or files existed already when the folder was opened, the
/// folder is scanned, on a background thread if one is available. If it is really past the limit, the least recently
/// written files are removed down to seven eighths of it; within the limit nothing is removed. So a save costs one
/// addition more, and scans are rare.
extension CacheStore {
    /// The disk space that a file takes at least, in bytes.
    private static let block = 4096

    /// The disk space that a file of that size takes, in bytes.
    static func space(_ size: Int) -> Int { (size + block - 1) / block * block }

    private var fileLimit: Int { settings.diskFiles == 0 ? .max : Int(clamping: settings.diskFiles) }
    private var byteLimit: Int { settings.diskMb == 0 ? .max : Int(min(settings.diskMb, 1 << 40)) << 20 }

    /// Whether the files of this value's cache should be scanned now. Returns true to one caller only, which then must
    /// call `trim`.
    func wantsTrim(_ path: Path) -> Bool {
        guard !path.folder.isEmpty, let directory = opened.withLock({ $0[path.folder] }),
            directory.files.load(ordering: .relaxed) > fileLimit || directory.bytes.load(ordering: .relaxed) > byteLimit
        else { return false }
        return !directory.isTrimming.exchange(true, ordering: .acquiring)
    }

    /// Removes the least recently written files past the limit, including those set aside; returns their number.
    ///
    /// The newest file stays whatever its size. Each file is removed under the lock, and only if its status has not
    /// changed since the scan, so that values saved meanwhile stay.
    func trim(_ path: Path) throws(SystemError) -> Int {
        guard let directory = opened.withLock({ $0[path.folder] }) else { return 0 }
        defer { directory.isTrimming.store(false, ordering: .releasing) }
        directory.files.store(0, ordering: .relaxed)
        directory.bytes.store(0, ordering: .relaxed)
        var found: [(name: String, status: CacheFileStatus)] = []
        for name in try directory.folder.names() where Self.endings.contains(where: { name.hasSuffix($0) }) {
            if let status = try? directory.folder.status(name) { found.append((name, status)) }
        }
        let all = found.reduce(0) { $0 + Self.space($1.status.size) }
        if found.count <= fileLimit, all <= byteLimit {
            directory.files.add(found.count, ordering: .relaxed)
            directory.bytes.add(all, ordering: .relaxed)
            return 0
        }
        found.sort { ($0.status.written, $0.name) > ($1.status.written, $1.name) }
        var kept = (files: 0, bytes: 0)
        var old: ArraySlice<(name: String, status: CacheFileStatus)> = []
        for (index, file) in found.enumerated() {
            let bytes = kept.bytes + Self.space(file.status.size)
            if index > 0, kept.files >= fileLimit - fileLimit / 8 || bytes > byteLimit - byteLimit / 8 {
                old = found[index...]
                break
            }
            kept = (kept.files + 1, bytes)
        }
        directory.files.add(kept.files, ordering: .relaxed)
        directory.bytes.add(kept.bytes, ordering: .relaxed)
        var removed = 0
        for file in old.reversed() {
            if try remove(file.name, file.status, from: directory) { removed += 1 }
        }
        return removed
    }

    private func remove(_ name: String, _ seen: CacheFileStatus, from directory: OpenDirectory) throws(SystemError)
        -> Bool
    {
        guard let lock = try directory.folder.lock(Self.lockFile, at: 0, patience: Self.busy) else { return false }
        defer { lock.release() }
        guard let now = try? directory.folder.status(name), now == seen else { return false }
        // Forces the next save to check which file it replaces, since that file may be gone.
        directory.mark = 0
        do {
            try directory.folder.remove(name)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
        return true
    }
}
