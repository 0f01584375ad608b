internal import CPluginAPI
internal import HostSystem
internal import HostValues
internal import HostWire

/// One connection to a store, which the ABI calls a link, used by one thread at a time. Its calls block, each within its
/// timeout.
@safe final class StoreConnection {
    /// A call that failed: the connection is of no use any more.
    struct Broken: Error {
        let text: String
    }

    /// Keys are listed by so many at a time.
    private static let page = 256

    /// What the store calls the server's instance.
    let instance: String
    private let store: OfferedStore
    private let clock: any HostClock
    private let prefix: [UInt8]
    private let room: AnswerRoom
    let raw: OpaquePointer

    /// Connects. All keys get `prefix` in front. Answers have so much `room`.
    init(
        _ store: OfferedStore, _ scheduler: UnsafePointer<schedhost_scheduler>, prefix: String, timeoutMs: UInt32,
        room: AnswerRoom = AnswerRoom(), clock: any HostClock
    ) throws(Broken) {
        let name = StoredBytes(limit: Int(SCHEDHOST_STORE_MAX_INSTANCE))
        var server = unsafe schedhost_store_server()
        unsafe server.struct_size = UInt32(MemoryLayout<schedhost_store_server>.size)
        let (code, text) = unsafe name.withWriter { writer in
            unsafe server.instance = unsafe writer
            return StoreCall.run { unsafe store.table.open(scheduler, timeoutMs, &server, store.table.user) }
        }
        guard code == 0, let link = unsafe server.link else {
            throw Broken(text: text.isEmpty ? "no link to the store can be opened: error \(code)" : text)
        }
        unsafe raw = unsafe link
        self.store = store
        self.clock = clock
        self.prefix = Array(prefix.utf8)
        self.room = room
        instance = String(decoding: name.bytes, as: UTF8.self)
    }

    deinit { unsafe store.table.close(raw) }

    /// Does what a request asks for: the commit first, then what is to be read. All of it takes `timeoutMs` at most.
    func perform(_ request: StoreRequest, timeoutMs: UInt32) -> (answer: StoreAnswer, broken: Broken?) {
        let sent = clock.boot()
        let deadline = sent + Int64(timeoutMs) * 1_000_000
        var answer = StoreAnswer(sent: sent, outcome: .done(version: 0), found: [])
        do throws(Broken) {
            if request.writes { try commit(request, until: deadline, into: &answer) }
            var found = Findings(room: room)
            for key in request.reads where found.isWhole { try read(key, until: deadline, into: &found) }
            guard found.isWhole else {
                answer.found = nil
                return (answer, nil)
            }
            for start in request.lists where found.isWhole {
                try list(start, until: deadline, into: &found)
                if !found.isWhole { answer.cut = start }
            }
            answer.found = found.entries
            return (answer, nil)
        } catch {
            (answer.found, answer.cut) = (nil, nil)
            if case .done(version: 0) = answer.outcome { answer.outcome = .unknown }
            return (answer, error)
        }
    }

    /// What is left until then, in ms; at least 1, since the store is to say itself that it is late.
    private func left(_ deadline: BootTime) -> UInt32 {
        UInt32(clamping: max(1, (deadline - clock.boot()) / 1_000_000))
    }

    private func whole(_ key: String) -> [UInt8] { prefix + Array(key.utf8) }

    private func check(_ run: (code: Int32, text: String), _ call: String) throws(Broken) {
        if run.code == 0 { return }
        throw Broken(text: run.text.isEmpty ? "the store's \(call) returned the error \(run.code)" : run.text)
    }

    // MARK: Committing

    private func commit(_ request: StoreRequest, until deadline: BootTime, into answer: inout StoreAnswer)
        throws(Broken)
    {
        let memory = LentMemory()
        let puts = unsafe request.puts.map { unsafe write(whole($0.key), $0.value, $0.keepMs, memory) }
        let deletes = unsafe request.deletes.map { unsafe write(whole($0), nil, 0, memory) }
        var commit = unsafe schedhost_store_commit()
        unsafe commit.struct_size = UInt32(MemoryLayout<schedhost_store_commit>.size)
        unsafe commit.status = UInt32(SCHEDHOST_STORE_UNKNOWN)
        unsafe commit.conditions = unsafe memory.list(request.conditions.map { unsafe condition($0, memory) })
        unsafe commit.writes = unsafe memory.list(puts + deletes)
        unsafe commit.now_ms = -1
        let lent = unsafe memory.value(commit)
        var list: UnsafeMutablePointer<schedhost_store_commit>? = unsafe lent
        let timeout = left(deadline)
        answer.outcome = .unknown
        answer.sent = clock.boot()
        let run = StoreCall.run { unsafe store.table.commit(raw, &list, 1, timeout) }
        answer.outcome = unsafe Self.outcome(lent.pointee, run.text)
        if case .done = answer.outcome, case let now = unsafe lent.pointee.now_ms, now >= 0 { answer.clockMs = now }
        try check(run, "commit")
    }

    private static func outcome(_ commit: schedhost_store_commit, _ text: String) -> StoreAnswer.Outcome {
        switch unsafe Int(commit.status) {
        case SCHEDHOST_STORE_DONE where unsafe commit.version > 0 && commit.version <= UInt64(Int64.max):
            .done(version: unsafe commit.version)
        case SCHEDHOST_STORE_CHANGED: .changed
        case SCHEDHOST_STORE_REFUSED: .refused(text.isEmpty ? "the store refuses it" : text)
        default: .unknown
        }
    }

    private func condition(_ condition: StoreRequest.Condition, _ memory: LentMemory) -> schedhost_store_condition {
        let key = whole(condition.key)
        return unsafe schedhost_store_condition(
            struct_size: UInt32(MemoryLayout<schedhost_store_condition>.size), reserved: 0, key: memory.bytes(key),
            key_size: key.count, version: condition.version)
    }

    private func write(_ key: [UInt8], _ value: [UInt8]?, _ keepMs: UInt64, _ memory: LentMemory)
        -> schedhost_store_write
    {
        unsafe schedhost_store_write(
            struct_size: UInt32(MemoryLayout<schedhost_store_write>.size),
            flags: value == nil ? UInt32(SCHEDHOST_STORE_DELETE) : 0, key: memory.bytes(key), key_size: key.count,
            bytes: value.map { unsafe memory.bytes($0) }, size: value?.count ?? 0, keep_ms: keepMs)
    }

    // MARK: Reading

    private func read(_ key: String, until deadline: BootTime, into found: inout Findings) throws(Broken) {
        let memory = LentMemory()
        let value = StoredBytes(limit: Findings.longestValue, isCut: true)
        let bytes = whole(key)
        var read = unsafe schedhost_store_read()
        unsafe read.struct_size = UInt32(MemoryLayout<schedhost_store_read>.size)
        unsafe read.status = UInt32(SCHEDHOST_STORE_UNKNOWN)
        unsafe read.key = unsafe memory.bytes(bytes)
        unsafe read.key_size = bytes.count
        unsafe read.age_ms = -1
        let timeout = left(deadline)
        let lent = unsafe memory.value(read)
        let run = unsafe value.withWriter { writer in
            unsafe lent.pointee.writer = unsafe writer
            var list: UnsafeMutablePointer<schedhost_store_read>? = unsafe lent
            return StoreCall.run { unsafe store.table.read(raw, &list, 1, timeout) }
        }
        try check(run, "read")
        switch unsafe Int(lent.pointee.status) {
        case SCHEDHOST_STORE_DONE:
            guard case let version = unsafe lent.pointee.version, version > 0 else {
                throw Broken(text: "the store reads \(key) without a version")
            }
            found.add(.init(key: key, version: version, value: value.bytes))
        case SCHEDHOST_STORE_ABSENT: break
        default: throw Broken(text: run.text.isEmpty ? "the store cannot read \(key)" : run.text)
        }
    }

    /// Lists the keys that begin so, until the store has no more of them or the answer has no room.
    private func list(_ start: String, until deadline: BootTime, into found: inout Findings) throws(Broken) {
        let prefix = whole(start)
        var after: [UInt8] = []
        while true {
            let page = try page(prefix, after: after, timeoutMs: left(deadline), found)
            found = page.found
            guard found.isWhole, page.count == Self.page else { return }
            after = page.last
        }
    }

    /// The keys after that one that begin so, as many as a page has.
    private func page(_ prefix: [UInt8], after: [UInt8], timeoutMs: UInt32, _ found: Findings) throws(Broken)
        -> StoredPage
    {
        let page = StoredPage(of: prefix, without: self.prefix.count, most: Self.page, found)
        let memory = LentMemory()
        let run = StoreCall.run {
            unsafe store.table.list(
                raw, memory.bytes(prefix), prefix.count, memory.bytes(after), after.count, Self.page,
                StoredPage.take, Unmanaged.passUnretained(page).toOpaque(), timeoutMs)
        }
        try check(run, "list")
        if let fault = page.fault { throw Broken(text: fault) }
        guard page.count == 0 || after.lexicographicallyPrecedes(page.last) else {
            throw Broken(text: "the store lists keys in another order than by their bytes")
        }
        return page
    }

    /// Removes all values of shared caches that are selected, and the records of their loads, and counts the values. Each call
    /// takes `timeoutMs` at most.
    /// `isCalling` is told when a call begins (true) and ends.
    func clear(_ selection: SharedSelection, timeoutMs: UInt32, isCalling: (Bool) -> Void) -> (
        removed: UInt64, broken: Broken?
    ) {
        defer { isCalling(false) }
        var removed: UInt64 = 0
        do throws(Broken) {
            for start in selection.starts {
                for root in ["cache/", "load/"] {
                    isCalling(true)
                    try keys(from: root + start, timeoutMs: timeoutMs) { (names) throws(Broken) in
                        isCalling(true)
                        let meant = names.filter { selection.contains(String($0.dropFirst(root.utf8.count))) }
                        for first in stride(from: 0, to: meant.count, by: 32) {
                            let some = Array(meant[first..<min(first + 32, meant.count)])
                            var answer = StoreAnswer(sent: clock.boot(), outcome: .unknown, found: nil)
                            let deadline = clock.boot() + Int64(timeoutMs) * 1_000_000
                            try commit(StoreRequest(deletes: some), until: deadline, into: &answer)
                            isCalling(true)  // the next one
                            guard case .done = answer.outcome else {
                                throw Broken(text: "the store does not remove what it has")
                            }
                            if root == "cache/" { removed += UInt64(some.count) }
                        }
                    }
                }
            }
            return (removed, nil)
        } catch {
            return (removed, error)
        }
    }

    /// The names of all keys that begin so, a page at a time.
    private func keys(from start: String, timeoutMs: UInt32, _ body: ([String]) throws(Broken) -> Void) throws(Broken) {
        let prefix = whole(start)
        var after: [UInt8] = []
        while true {
            let page = try page(prefix, after: after, timeoutMs: timeoutMs, Findings(room: AnswerRoom(line: .max)))
            try body(page.found.entries.map(\.key))
            guard page.count == Self.page else { return }
            after = page.last
        }
    }

    /// Waits for changes of the keys that begin so; which ones there were. Nil if the store does not watch.
    func watch(_ start: String, timeoutMs: UInt32) throws(Broken) -> [String]? {
        guard let watch = unsafe store.table.watch else { return nil }
        let memory = LentMemory()
        let prefix = whole(start)
        let keys = ChangedKeys(of: prefix, without: self.prefix.count)
        let run = StoreCall.run {
            unsafe watch(
                raw, memory.bytes(prefix), prefix.count, ChangedKeys.take, Unmanaged.passUnretained(keys).toOpaque(),
                timeoutMs)
        }
        try check(run, "watch")
        return keys.names
    }
}
