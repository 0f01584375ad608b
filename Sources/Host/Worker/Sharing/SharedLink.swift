internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// One connection to a store for shared caches: reads and commits many keys at once, and knows how old what is read is.
///
/// One thread uses it. A call that fails breaks it.
@safe final class SharedLink {
    /// One key that was read.
    struct Read {
        var version: UInt64 = 0
        var ageMs: Int64 = -1
        var bytes: [UInt8] = []
        /// Whether the store does not give it: what is there is none of a host's.
        var isRefused = false
    }

    /// One commit.
    struct Change {
        var conditions: [(key: [UInt8], version: UInt64)] = []
        /// What to write; nil deletes.
        var writes: [(key: [UInt8], bytes: [UInt8]?, keepMs: UInt64)] = []
    }

    /// What became of it, with what the store's clock showed and when it was asked and answered.
    struct Done {
        var answer: SharedAnswer
        var clockMs: Int64 = -1
        var sent: BootTime
        var answered: BootTime
    }

    /// The largest record that is read: what is larger no host has written.
    private static let longestRecord = SharedFrame.longestValue + SharedValueRecord.head
    /// How long the store keeps the record by which this connection reads its clock, in ms.
    private static let keepMs: UInt64 = 3_600_000

    private let connection: StoreConnection
    private let store: OfferedStore
    private let clock: any HostClock
    /// How long a call may take, in ms.
    var timeoutMs: UInt32
    /// Is told when a call begins, which may take so many ms, and when it ends (nil).
    private let isCalling: (UInt32?) -> Void
    /// Is told what came of a call or, of several commits, of each, after so many ns.
    private let count: (StoreUse.Operation, StoreAnswer.Outcome, Int64) -> Void
    /// The key of the record by which the store's clock is read.
    private let record: [UInt8]
    /// What is known of ages; it outlives connections.
    private(set) var ages: StoreClock

    /// Connects.
    init(
        _ store: OfferedStore, _ scheduler: UnsafePointer<schedhost_scheduler>, record: [UInt8], ages: StoreClock,
        timeoutMs: UInt32, clock: any HostClock, isCalling: @escaping (UInt32?) -> Void,
        count: @escaping (StoreUse.Operation, StoreAnswer.Outcome, Int64) -> Void
    ) throws(StoreConnection.Broken) {
        isCalling(timeoutMs)
        defer { isCalling(nil) }
        connection = try unsafe StoreConnection(store, scheduler, prefix: "", timeoutMs: timeoutMs, clock: clock)
        self.store = store
        self.record = record
        self.ages = ages
        self.timeoutMs = timeoutMs
        self.clock = clock
        self.isCalling = isCalling
        self.count = count
    }

    // MARK: Reading

    /// Reads keys, each of which is one that a store takes. With the version of each comes, by `produced`, how old it is.
    func read(_ keys: [[UInt8]]) throws(StoreConnection.Broken) -> [Read] {
        if ages.needsCommit(at: clock.boot()) { try writeRecord() }
        let all = keys + [record]
        let memory = LentMemory()
        let takers = all.map { _ in StoredBytes(limit: Self.longestRecord) }
        var lent: [UnsafeMutablePointer<schedhost_store_read>?] = unsafe []
        for (key, taker) in zip(all, takers) {
            var read = unsafe schedhost_store_read()
            unsafe read.struct_size = UInt32(MemoryLayout<schedhost_store_read>.size)
            unsafe read.status = UInt32(SCHEDHOST_STORE_UNKNOWN)
            unsafe read.key = unsafe memory.bytes(key)
            unsafe read.key_size = key.count
            unsafe read.writer = unsafe memory.value(taker.writer)
            unsafe read.age_ms = -1
            unsafe lent.append(memory.value(read))
        }
        let (run, sent, answered) = call {
            unsafe lent.withUnsafeBufferPointer { list in
                unsafe store.table.read(connection.raw, list.baseAddress, list.count, timeoutMs)
            }
        }
        count(.read, run.code == 0 ? .done(version: 0) : .unknown, answered - sent)
        try check(run, "read")
        var reads: [Read] = []
        for index in all.indices {
            guard let one = unsafe lent[index]?.pointee else { continue }
            switch unsafe Int(one.status) {
            case SCHEDHOST_STORE_DONE where unsafe one.version > 0:
                reads.append(unsafe Read(version: one.version, ageMs: one.age_ms, bytes: takers[index].bytes))
            case SCHEDHOST_STORE_ABSENT: reads.append(Read())
            case SCHEDHOST_STORE_REFUSED: reads.append(Read(isRefused: true))
            default:
                throw StoreConnection.Broken(text: run.text.isEmpty ? "the store cannot read a value" : run.text)
            }
        }
        withExtendedLifetime((takers, memory)) {}
        let clockRecord = reads.removeLast()
        ages.read(clockRecord.version == 0 ? nil : clockRecord.ageMs, sent: sent, answered: answered)
        return reads
    }

    private func writeRecord() throws(StoreConnection.Broken) {
        var change = Change()
        change.writes = [(record, Array("schedhost".utf8), Self.keepMs)]
        guard let done = try commit([change]).first, case .done(let version) = done.answer else {
            throw StoreConnection.Broken(text: "the store does not take a record")
        }
        ages.committed(version, clockMs: done.clockMs, sent: done.sent, answered: done.answered)
    }

    // MARK: Committing

    /// Does commits, which are independent of each other.
    func commit(_ changes: [Change]) throws(StoreConnection.Broken) -> [Done] {
        let memory = LentMemory()
        var lent: [UnsafeMutablePointer<schedhost_store_commit>?] = unsafe []
        for change in changes {
            var commit = unsafe schedhost_store_commit()
            unsafe commit.struct_size = UInt32(MemoryLayout<schedhost_store_commit>.size)
            unsafe commit.status = UInt32(SCHEDHOST_STORE_UNKNOWN)
            unsafe commit.conditions = unsafe memory.list(
                change.conditions.map { unsafe condition($0.key, $0.version, memory) })
            unsafe commit.writes = unsafe memory.list(
                change.writes.map { unsafe write($0.key, $0.bytes, $0.keepMs, memory) })
            unsafe commit.now_ms = -1
            unsafe lent.append(memory.value(commit))
        }
        let (run, sent, answered) = call {
            unsafe lent.withUnsafeBufferPointer { list in
                unsafe store.table.commit(connection.raw, list.baseAddress, list.count, timeoutMs)
            }
        }
        var all: [Done] = []
        for index in changes.indices {
            guard let one = unsafe lent[index]?.pointee else { continue }
            var done = Done(answer: .away, sent: sent, answered: answered)
            switch unsafe Int(one.status) {
            case SCHEDHOST_STORE_DONE where unsafe one.version > 0:
                done.answer = .done(version: unsafe one.version)
                done.clockMs = unsafe one.now_ms
                ages.note(unsafe one.version, sent)
                count(.commit, .done(version: 0), answered - sent)
            case SCHEDHOST_STORE_CHANGED:
                done.answer = .changed
                count(.commit, .changed, answered - sent)
            case SCHEDHOST_STORE_REFUSED: count(.commit, .refused(""), answered - sent)
            default: count(.commit, .unknown, answered - sent)
            }
            all.append(done)
        }
        withExtendedLifetime(memory) {}
        // What was answered before the link broke stands, and what was not is away; the next call finds it broken.
        if run.code != 0, !all.contains(where: { $0.answer != .away }) { try check(run, "commit") }
        return all
    }

    /// Calls the store, which is watched meanwhile; returns what came of it, and the times before and after.
    private func call(_ body: () -> Int32) -> (run: (code: Int32, text: String), sent: BootTime, answered: BootTime) {
        let sent = clock.boot()
        isCalling(timeoutMs)
        let run = StoreCall.run(body)
        isCalling(nil)
        return (run, sent, clock.boot())
    }

    private func check(_ run: (code: Int32, text: String), _ call: String) throws(StoreConnection.Broken) {
        if run.code == 0 { return }
        throw StoreConnection.Broken(
            text: run.text.isEmpty ? "the store's \(call) returned the error \(run.code)" : run.text)
    }

    private func condition(_ key: [UInt8], _ version: UInt64, _ memory: LentMemory) -> schedhost_store_condition {
        unsafe schedhost_store_condition(
            struct_size: UInt32(MemoryLayout<schedhost_store_condition>.size), reserved: 0, key: memory.bytes(key),
            key_size: key.count, version: version)
    }

    private func write(_ key: [UInt8], _ bytes: [UInt8]?, _ keepMs: UInt64, _ memory: LentMemory)
        -> schedhost_store_write
    {
        unsafe schedhost_store_write(
            struct_size: UInt32(MemoryLayout<schedhost_store_write>.size),
            flags: bytes == nil ? UInt32(SCHEDHOST_STORE_DELETE) : 0, key: memory.bytes(key), key_size: key.count,
            bytes: bytes.map { unsafe memory.bytes($0) }, size: bytes?.count ?? 0, keep_ms: bytes == nil ? 0 : keepMs)
    }
}
