public import HostSystem
public import HostValues

/// The record file of a state directory, to which a host appends. One thread; one host a directory (its lock is the
/// caller's affair). Readers in other processes use `SessionFiles`.
///
/// A record is kept in memory until its line is whole on the disk: a failed write is taken back, so that no line is
/// ever torn, and the caller tries again later with `flush()`.
public struct SessionStore: ~Copyable {
    /// How a store behaves.
    public struct Options: Sendable {
        /// Bytes from which a new file is begun.
        public var rotateAt = 16 << 20
        /// How many older files are kept, from 1 to 99.
        public var keep = 4
        /// Whether records survive a power loss (fdatasync for each batch), or only the end of the host.
        public var isSynchronized = true
        /// Records kept in memory while they cannot be written.
        public var mostPending = 200_000

        /// The defaults.
        public init() {}
    }

    /// What was found and mended at opening, one line each, for the log.
    public internal(set) var warnings: [String] = []
    /// Why the last rotation failed; nil after one that went well. The file just grows meanwhile.
    public internal(set) var rotationFault: SystemError?
    /// How often a new file was begun.
    public internal(set) var rotations = 0
    /// Records that were given up because too many could not be written.
    public private(set) var lost = 0

    let directory: Directory
    let options: Options
    var calls = Calls()
    var file: Descriptor
    /// Which file that is.
    var inode: UInt64 = 0
    /// Where the last whole line ends.
    var size = 0
    /// Whether bytes past `size` may be in the file.
    private var isTorn = false
    private var pending: [Pending] = []
    /// Of the records in the files.
    var index = SessionIndex()
    /// Of those that wait; its sums include the files'.
    private var pendingIndex = SessionIndex()
    /// The session whose line is the last in the file.
    var lastSession: SessionID?

    private struct Pending {
        let entry: SessionIndex.Entry
        /// Without its break.
        let line: [UInt8]
    }

    /// What is done to the file; tests put failures in its place.
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

    /// Opens the store, mends what a crash left, and reads what the index needs: see `warnings`.
    public static func open(_ directory: consuming Directory, options: Options = Options())
        throws(SystemError) -> SessionStore
    {
        let file = try directory.openForAppending(SessionFiles.current, patience: 2_000_000_000)
        var store = SessionStore(directory, file, options)
        try store.mend()
        try store.buildIndex()
        return store
    }

    private init(_ directory: consuming Directory, _ file: consuming Descriptor, _ options: Options) {
        self.directory = directory
        self.file = file
        self.options = options
    }

    /// Takes a line that waits for the next `flush()`. When too many wait it is given up, and counted in `lost`.
    public mutating func add(_ line: RecordLine) {
        guard pending.count < options.mostPending else {
            lost += 1
            return
        }
        let entry = SessionIndex.Entry(line.record)
        pending.append(Pending(entry: entry, line: line.bytes))
        pendingIndex.remember(entry.session)
        pendingIndex.add(entry, to: index.cycles)
    }

    /// Appends a record: see `append(_:)` for several.
    public mutating func append(_ record: SessionRecord) throws(SystemError) { try append([record]) }

    /// Appends records: in the file when it returns, else in memory for the next `flush()`. One without
    /// `lifetimeCycles` is given them.
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

    /// Records that wait in memory.
    public var pendingCount: Int { pending.count }

    /// Writes what waits, with one write and one sync for as much as fits into 1 MiB. On failure it goes on waiting, and the file ends with a whole line.
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
                try calls.write(file, bytes, path)
                if options.isSynchronized { try calls.synchronize(file, path) }
            } catch {
                isTorn = true
                try? takeBack()
                throw error
            }
            size += bytes.count
            lastSession = pending[count - 1].entry.session
            for written in pending[..<count] {
                index.remember(written.entry.session)
                index.add(written.entry)
            }
            pending.removeFirst(count)
        }
        pendingIndex = SessionIndex()
    }

    /// Whether the session has a record, among the newest files' and those that wait in memory.
    public func contains(_ session: SessionID) -> Bool { index.contains(session) || pendingIndex.contains(session) }

    /// The routine's cycles over all its records, those included that wait in memory.
    public func lifetimeCycles(plugin: String, routine: String) -> UInt64 {
        let identifier = plugin + "/" + routine
        return pendingIndex.cycles[identifier] ?? index.cycles[identifier] ?? 0
    }

    /// How the routine's last session ended, by the same records; nil when there was none.
    public func lastEnd(plugin: String, routine: String) -> SessionEnd? {
        let identifier = plugin + "/" + routine
        return pendingIndex.ends[identifier] ?? index.ends[identifier]
    }

    /// The file's path, for messages.
    var path: String { directory.child(SessionFiles.current) }

    /// How many of the waiting records go into the next write: at least one, up to 1 MiB and to the file's bound.
    private func batch() -> Int {
        let room = options.rotateAt - size
        var bytes = 0
        var count = 0
        for waiting in pending {
            bytes += waiting.line.count + 1
            // A file that is over its bound already could not be rotated, and grows.
            if count > 0, bytes > 1 << 20 || room > 0 && bytes > room { break }
            count += 1
        }
        return count
    }

    /// Goes on with the file of that name when somebody has moved, removed, cut or extended the one that is open.
    private mutating func followReplacement() throws(SystemError) {
        if let status = try? directory.status(SessionFiles.current), status.inode == inode, status.size == size {
            return
        }
        file = try directory.openForAppending(SessionFiles.current)
        try mend()
    }

    private mutating func takeBack() throws(SystemError) {
        try calls.truncate(file, size, path)
        isTorn = false
    }
}
