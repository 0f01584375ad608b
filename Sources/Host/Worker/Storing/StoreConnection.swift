internal import CPluginAPI
internal import HostSystem
internal import HostValues

/// One connection to a store, which the ABI calls a link, used by one thread at a time. Its calls block, each within its
/// timeout.
@safe final class StoreConnection {
    /// A call that failed: the connection is of no use any more.
    struct Broken: Error {
        let text: String
    }

    /// The most that one answer brings back; what a cluster keeps is far below it.
    private static let mostFound = 2 << 20
    /// Keys are listed by so many at a time.
    private static let page = 256

    /// What the store calls the server's instance.
    let instance: String
    private let store: OfferedStore
    private let clock: any HostClock
    private let prefix: [UInt8]
    private let raw: OpaquePointer

    /// Connects. All keys get `prefix` in front.
    init(
        _ store: OfferedStore, _ scheduler: UnsafePointer<schedhost_scheduler>, prefix: String, timeoutMs: UInt32,
        clock: any HostClock
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
            var found: [StoreAnswer.Entry] = []
            try read(request.reads, until: deadline, into: &found)
            var isWhole = true
            for list in request.lists where isWhole { isWhole = try self.list(list, until: deadline, into: &found) }
            answer.found = isWhole ? found : nil
            return (answer, nil)
        } catch {
            answer.found = nil
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
        let puts = unsafe request.puts.map { unsafe write(whole($0.key), $0.value, memory) }
        let deletes = unsafe request.deletes.map { unsafe write(whole($0), nil, memory) }
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

    private func write(_ key: [UInt8], _ value: [UInt8]?, _ memory: LentMemory) -> schedhost_store_write {
        unsafe schedhost_store_write(
            struct_size: UInt32(MemoryLayout<schedhost_store_write>.size),
            flags: value == nil ? UInt32(SCHEDHOST_STORE_DELETE) : 0, key: memory.bytes(key), key_size: key.count,
            bytes: value.map { unsafe memory.bytes($0) }, size: value?.count ?? 0, keep_ms: 0)
    }

    // MARK: Reading

    private func read(_ keys: [String], until deadline: BootTime, into found: inout [StoreAnswer.Entry]) throws(Broken)
    {
        for key in keys {
            let memory = LentMemory()
            let value = StoredBytes(limit: Self.mostFound)
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
                found.append(.init(key: key, version: unsafe lent.pointee.version, value: value.bytes))
            case SCHEDHOST_STORE_ABSENT: break
            default: throw Broken(text: run.text.isEmpty ? "the store cannot read \(key)" : run.text)
            }
        }
    }

    /// Lists the keys that begin so; false if there is more of them than an answer can bring back.
    private func list(_ start: String, until deadline: BootTime, into found: inout [StoreAnswer.Entry]) throws(Broken)
        -> Bool
    {
        let prefix = whole(start)
        var after: [UInt8] = []
        while true {
            let page = StoredPage(
                prefix: self.prefix.count, room: Self.mostFound - found.reduce(0) { $0 + $1.value.count })
            let memory = LentMemory()
            let timeout = left(deadline)
            let run = StoreCall.run {
                unsafe store.table.list(
                    raw, memory.bytes(prefix), prefix.count, memory.bytes(after), after.count, Self.page,
                    StoredPage.take,
                    Unmanaged.passUnretained(page).toOpaque(), timeout)
            }
            try check(run, "list")
            guard page.entries.allSatisfy({ $0.key.utf8.starts(with: start.utf8) }) else {
                throw Broken(text: "the store lists keys that do not begin as was asked")
            }
            found += page.entries
            guard let last = page.entries.last, page.entries.count == Self.page else { return !page.isFull }
            let next = whole(last.key)
            guard next.starts(with: prefix), after.lexicographicallyPrecedes(next) else {
                throw Broken(text: "the store lists keys in another order than by their bytes")
            }
            after = next
        }
    }

    /// Waits for changes of the keys that begin so; which ones there were. Nil if the store does not watch.
    func watch(_ start: String, timeoutMs: UInt32) throws(Broken) -> [String]? {
        guard let watch = unsafe store.table.watch else { return nil }
        let memory = LentMemory()
        let prefix = whole(start)
        let page = StoredPage(prefix: self.prefix.count, room: 0)
        let run = StoreCall.run {
            unsafe watch(
                raw, memory.bytes(prefix), prefix.count, StoredPage.takeKey, Unmanaged.passUnretained(page).toOpaque(),
                timeoutMs)
        }
        try check(run, "watch")
        return page.entries.map(\.key)
    }
}

/// Takes what a store writes, up to a bound.
@safe final class StoredBytes {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Hands out a writer that is valid until `body` returns.
    func withWriter<Result>(_ body: (UnsafeMutablePointer<schedhost_writer>) -> Result) -> Result {
        var writer = unsafe schedhost_writer()
        unsafe writer.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe writer.write = { writer, bytes, size in
            guard let data = unsafe writer?.pointee.host_data, unsafe bytes != nil || size == 0, size >= 0 else {
                return SCHEDHOST_INVALID.code
            }
            let taker = unsafe Unmanaged<StoredBytes>.fromOpaque(data).takeUnretainedValue()
            guard size <= taker.limit - taker.bytes.count else { return SCHEDHOST_TOO_LARGE.code }
            unsafe taker.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: size))
            return SCHEDHOST_OK.code
        }
        unsafe writer.set_object = { _, _, _, _ in SCHEDHOST_INVALID.code }
        unsafe writer.host_data = unsafe Unmanaged.passUnretained(self).toOpaque()
        return unsafe withUnsafeMutablePointer(to: &writer) { unsafe body($0) }
    }
}

/// Takes the keys that a store lists.
@safe private final class StoredPage {
    private(set) var entries: [StoreAnswer.Entry] = []
    /// Whether there was no room for all of them.
    private(set) var isFull = false
    private let prefix: Int
    private var room: Int

    init(prefix: Int, room: Int) {
        self.prefix = prefix
        self.room = room
    }

    /// The most keys that are told to have changed at once.
    private static let mostKeys = 64

    static let takeKey: schedhost_store_changed = { user, key, size in
        guard let user = unsafe user, let key = unsafe key, size > 0, size <= Int(SCHEDHOST_STORE_MAX_KEY) else {
            return
        }
        let page = unsafe Unmanaged<StoredPage>.fromOpaque(user).takeUnretainedValue()
        guard page.entries.count < mostKeys else { return }
        let name = unsafe UnsafeRawBufferPointer(start: key, count: size).dropFirst(page.prefix)
        page.entries.append(.init(key: unsafe String(decoding: name, as: UTF8.self), version: 0, value: []))
    }

    static let take: schedhost_store_each = { user, key, size, version, _, bytes, count in
        guard let user = unsafe user, let key = unsafe key, size > 0, size <= Int(SCHEDHOST_STORE_MAX_KEY), count >= 0
        else { return 1 }
        let page = unsafe Unmanaged<StoredPage>.fromOpaque(user).takeUnretainedValue()
        guard count <= page.room else {
            page.isFull = true
            return 1
        }
        page.room -= count
        let name = unsafe UnsafeRawBufferPointer(start: key, count: size).dropFirst(page.prefix)
        page.entries.append(
            .init(
                key: unsafe String(decoding: name, as: UTF8.self), version: version,
                value: unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))))
        return 0
    }
}
