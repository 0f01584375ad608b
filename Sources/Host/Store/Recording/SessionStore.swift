public import HostSystem
public import HostValues

/// The record file of a state directory, to which a host appends. One thread uses it, in one host per directory; the
/// caller holds the directory's lock. Readers in other processes use `SessionFiles`.
///
/// A record stays in memory until its complete line is on disk. A failed write is undone by truncation, so that no line
/// stays incomplete, and the caller retries with `flush()`.
public struct SessionStore: ~Copyable {
    /// The options of a store.
    public struct Options: Sendable {
        /// The size in bytes at which a new file is started.
        public var rotateAt = 16 << 20
        /// The number of older files to keep, from 1 to 99.
        public var keep = 4
        /// After how many bytes of records their totals are saved again: so many are read at the next opening. More where the
        /// totals themselves are large.
        public var mostUncovered = 1 << 20
        /// Whether records survive a power loss, by one fdatasync per batch, or only the end of the host.
        public var isSynchronized = true
        /// The largest number of records kept in memory while they cannot be written.
        public var mostPending = 200_000

        /// Makes the default options.
        public init() {}
    }

    /// What was found and repaired at opening, one line each, for the log.
    public internal(set) var warnings: [String] = []
    /// The reason why the last rotation failed; nil after a successful one. Until then the file keeps growing.
    public internal(set) var rotationFault: SystemError?
    /// How often a new file was started.
    public internal(set) var rotations = 0
    /// The number of records that were dropped because too many could not be written.
    public private(set) var lost = 0

    let directory: Directory
    let options: Options
    var calls = Calls()
    var file: Descriptor
    /// The inode of the open file.
    var inode: UInt64 = 0
    /// The offset after the last complete line.
    var size = 0
    /// Whether the file's directory entry may not be on the disk yet.
    var hasNewEntry = false
    /// Whether the file may have bytes past `size`, from a failed write.
    private var isTorn = false
    private var pending: [Pending] = []
    /// The totals over the records in the files.
    var totals = RecordTotals()
    /// The totals over the pending records too, of the routines that have any.
    private var pendingTotals = RecordTotals()
    /// How much of the file the saved totals cover, and their size in bytes.
    var covered = 0
    var tallySize = 0

    private struct Pending {
        let entry: RecordTotals.Entry
        /// The line without its break.
        let line: [UInt8]
    }

    /// The operations on the file; tests replace them to inject failures.
    struct Calls {
        var write: (borrowing Descriptor, [UInt8], String) throws(SystemError) -> Void = {
            (file, bytes, path) throws(SystemError) in try file.writeAll(bytes, subject: path)
        }
        var synchronize: (borrowing Descriptor, String) throws(SystemError) -> Void = {
            (file, path) throws(SystemError) in try file.synchronizeData(subject: path)
        }
        var truncate: (borrowing Descriptor, Int, String) throws(SystemError) -> Void = {
            (file, size, path) throws(SystemError) in try file.truncate(to: size, subject: path)
        }
    }

    /// Opens the store, repairs what a crash has left (see `warnings`), and sums up the records.
    public static func open(_ directory: consuming Directory, options: Options = Options())
        throws(SystemError) -> SessionStore
    {
        let file = try directory.openForAppending(SessionFiles.current, patience: 2_000_000_000)
        var store = SessionStore(directory, file, options)
        try store.mend()
        try store.finishArchive()
        try store.sumUp()
        return store
    }

    private init(_ directory: consuming Directory, _ file: consuming Descriptor, _ options: Options) {
        self.directory = directory
        self.file = file
        self.options = options
    }

    /// Adds a line to those that wait for the next `flush()`. If too many are waiting, the line is dropped and counted
    /// in `lost`.
    public mutating func add(_ line: RecordLine) {
        guard pending.count < options.mostPending else {
            lost += 1
            return
        }
        let entry = RecordTotals.Entry(line.record)
        pending.append(Pending(entry: entry, line: line.bytes))
        pendingTotals.add(entry, to: totals.cycles)
    }

    /// Appends one record; see `append(_:)` for several.
    public mutating func append(_ record: SessionRecord) throws(SystemError) { try append([record]) }

    /// Appends records. When this returns they are in the file; if it throws, they wait in memory for the next
    /// `flush()`. Sets `lifetimeCycles` where it is missing.
    public mutating func append(_ records: [SessionRecord]) throws(SystemError) {
        for var record in records {
            if record.lifetimeCycles == nil {
                let before = lifetimeCycles(plugin: record.plugin, routine: record.routine)
                record.lifetimeCycles = before.clampedPlus(record.cycles)
            }
            add(RecordLine(record))
        }
        try flush()
    }

    /// The number of records that wait in memory.
    public var pendingCount: Int { pending.count }

    /// Writes the waiting records, with one write and one sync for each batch of up to 1 MiB. If that fails, they keep
    /// waiting, and the file ends with a complete line.
    public mutating func flush() throws(SystemError) {
        while let first = pending.first {
            if isTorn { try takeBack() }
            try followReplacement()
            if size > 0, size + first.line.count + 1 > options.rotateAt { rotate() }
            let count = batch()
            let bytes = pending[..<count].reduce(into: [UInt8]()) { bytes, waiting in
                bytes += waiting.line
                bytes.append(UInt8(ascii: "\n"))
            }
            do throws(SystemError) {
                if hasNewEntry, options.isSynchronized {
                    try directory.descriptor.synchronize(subject: directory.path)
                }
                hasNewEntry = false
                try calls.write(file, bytes, path)
                if options.isSynchronized { try calls.synchronize(file, path) }
            } catch {
                isTorn = true
                try? takeBack()
                throw error
            }
            size += bytes.count
            for written in pending[..<count] { totals.add(written.entry) }
            pending.removeFirst(count)
            saveTallyNowAndThen()
        }
        pendingTotals = RecordTotals()
    }

    /// Those of the sessions that have a record, in the files or waiting in memory. Searches the files from the newest line
    /// on, until all are found: for a session without a record, all of them.
    public func recorded(among sessions: [SessionID]) throws(SystemError) -> Set<SessionID> {
        var missing = Set(sessions).subtracting(pending.map(\.entry.session))
        if !missing.isEmpty {
            try SessionFiles.lines(directory, order: .newestFirst) { bytes, range, _ in
                let session = RecordLine.session(in: bytes, range).flatMap {
                    SessionID(String(decoding: bytes[$0], as: UTF8.self))
                }
                // Only those that may be wanted are parsed.
                if session.map({ missing.contains($0) }) ?? true,
                    let entry = RecordTotals.Entry(bytes, in: range)
                {
                    missing.remove(entry.session)
                }
                return !missing.isEmpty
            }
        }
        return Set(sessions).subtracting(missing)
    }

    /// The routine's total cycles over all its records, including those that wait in memory.
    public func lifetimeCycles(plugin: String, routine: String) -> UInt64 {
        let identifier = plugin + "/" + routine
        return pendingTotals.cycles[identifier] ?? totals.cycles[identifier] ?? 0
    }

    /// How the routine's last session ended, according to the same records; nil if there was none.
    public func lastEnd(plugin: String, routine: String) -> SessionEnd? {
        let identifier = plugin + "/" + routine
        return pendingTotals.ends[identifier] ?? totals.ends[identifier]
    }

    /// The file's path, for messages.
    var path: String { directory.child(SessionFiles.current) }

    /// The number of waiting records in the next batch: at least one, and as many as fit into 1 MiB and below the
    /// rotation limit.
    private func batch() -> Int {
        let room = options.rotateAt - size
        var bytes = 0
        var count = 0
        for waiting in pending {
            bytes += waiting.line.count + 1
            // A file that is past the limit already could not be rotated, so it keeps growing.
            if count > 0, bytes > 1 << 20 || room > 0 && bytes > room { break }
            count += 1
        }
        return count
    }

    /// Reopens the file if another process has moved, removed, truncated or extended the open one.
    private mutating func followReplacement() throws(SystemError) {
        if let status = try? directory.status(SessionFiles.current), status.inode == inode, status.size == size {
            return
        }
        file = try directory.openForAppending(SessionFiles.current)
        rotations += 1
        try mend()
    }

    private mutating func takeBack() throws(SystemError) {
        try calls.truncate(file, size, path)
        isTorn = false
    }
}
