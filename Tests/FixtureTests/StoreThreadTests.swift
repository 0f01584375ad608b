import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// The thread that asks a store, with the fake store and what can go wrong with it.
@Suite struct StoreThreadTests {
    /// Keeps the events of a plugin.
    private final class Inbox: EventSink {
        private let events = Monitor<[WorkerEvent]>([])

        func send(_ event: WorkerEvent) {
            events.withLock { $0.append(event) }
            events.broadcast()
        }

        func log(_ log: WorkerEvent.Log) {}

        /// Whether that event has come; nothing is forgotten.
        func has(_ event: WorkerEvent) -> Bool { events.withLock { $0.contains(event) } }

        /// The next event of a kind; those before it are forgotten.
        func next<Found>(_ find: (WorkerEvent) -> Found?) throws -> Found {
            let deadline = SystemClock().monotonic() + 10_000_000_000
            let found = events.wait(until: deadline) { events -> Found? in
                while !events.isEmpty { if let found = find(events.removeFirst()) { return found } }
                return nil
            }
            return try #require(found, "there is no such event within 10 s")
        }
    }

    /// A store in a directory of its own, in a worker's thread.
    private final class Kit {
        let inbox = Inbox()
        let thread: StoreThread
        let directory: String
        private var id: UInt64 = 0

        init(library: String, parameters: String = "") throws {
            directory = try Directory.makeTemporary("schedhost-store", in: "/tmp").path
            let loaded = try LoadedPlugin(path: library)
            let ledger = try Descriptor.memory("ledger")
            try ledger.truncate(to: LedgerSlot.start + LedgerSlot.size, subject: "ledger")
            let context = PluginContext(
                number: 3, loaded: loaded, ledger: try LedgerFile(ledger), clock: SystemClock(), channel: inbox,
                log: LogGate(level: 20), sessions: SessionCounter(), budget: CacheBudget(), cachePlace: nil)
            try context.prepare(loaded, parameters: "{\"directory\":\"\(directory)\"\(parameters)}")
            thread = StoreThread(
                try context.offeredStore(), of: context, room: AnswerRoom(line: WorkerEvent.longestLine))
        }

        deinit { _ = Fixtures.shell("rm -rf '\(directory)'") }

        func open(timeoutMs: UInt64 = 5000) throws -> StoreLink {
            try thread.perform(.open(prefix: "p/", timeoutMs: timeoutMs))
            return try up()
        }

        func up() throws -> StoreLink { try inbox.next { if case .store(.up(let link)) = $0 { link } else { nil } } }

        func ask(_ request: StoreRequest) throws -> StoreAnswer {
            id += 1
            try thread.perform(.ask(id, request))
            return try inbox.next { [id] in if case .store(.stored(id, let answer)) = $0 { answer } else { nil } }
        }

        func down() throws -> String {
            try inbox.next { if case .store(.down(let text)) = $0 { text } else { nil } }
        }

        /// Makes something go wrong.
        func fault(_ line: String) throws {
            try #require(
                Fixtures.shell("echo '\(line)' > '\(directory)/f' && mv '\(directory)/f' '\(directory)/faults'") == 0)
        }
    }

    private func with(_ body: (Kit) throws -> Void) throws {
        try Fixtures.with("store", file: "libstore.so") { try body(try Kit(library: $0)) }
    }

    private func put(_ key: String, _ text: String, if version: UInt64? = nil, lists: [String] = []) -> StoreRequest {
        StoreRequest(
            if: version.map { [.init(key, $0)] } ?? [], puts: [.init(key, Array(text.utf8))], reads: [key], lists: lists
        )
    }

    @Test func `a commit is done or not, and what is there is read after it`() throws {
        try with { kit in
            #expect(try kit.open() == StoreLink(instance: "instance-0", most: 1024))
            let before = SystemClock().boot()
            let first = try kit.ask(put("a", "1", if: 0, lists: ["x/"]))
            guard case .done(let version) = first.outcome else { throw Unexpected("\(first)") }
            #expect(first.found == [.init(key: "a", version: version, value: [0x31])])
            #expect(first.sent >= before && first.sent <= SystemClock().boot())
            let second = try kit.ask(put("a", "2", if: 0, lists: [""]))
            #expect(second.outcome == .changed)
            let same = StoreAnswer.Entry(key: "a", version: version, value: [0x31])
            #expect(second.found == [same, same], "by the read and by the list")
            #expect(try kit.ask(StoreRequest(deletes: ["a"], lists: [""])).found == [])
        }
    }

    @Test func `many keys come in pages, and as one answer`() throws {
        try with { kit in
            _ = try kit.open()
            let keys = (0..<700).map { "k/" + String(10_000 + $0) }
            for start in stride(from: 0, to: 700, by: 350) {
                let puts = keys[start..<start + 350].map { StoreRequest.Put($0, Array($0.utf8)) }
                #expect(try kit.ask(StoreRequest(puts: puts)).found == [])
            }
            let found = try kit.ask(StoreRequest(lists: ["k/"])).found ?? []
            #expect(found.map(\.key) == keys)
        }
    }

    @Test func `an answer has what fits in a line that the supervisor reads, or says that it has not all`() throws {
        try with { kit in
            _ = try kit.open()
            // 900 KB as they are, and ten times as much when each character is escaped.
            for (place, byte) in [("plain/", UInt8(ascii: "x")), ("escaped/", 1)] {
                let puts = (0..<300).map {
                    StoreRequest.Put(place + String(1000 + $0), Array(repeating: byte, count: 3000))
                }
                #expect(try kit.ask(StoreRequest(puts: puts)).found == [])
                let keys = puts.map(\.key)
                for request in [StoreRequest(reads: keys), StoreRequest(lists: [place])] {
                    let answer = try kit.ask(request)
                    #expect(StoreEvent.stored(.max, answer).line().count <= WorkerEvent.longestLine)
                    if place == "plain/" { #expect(answer.found?.map(\.key) == keys && answer.cut == nil) }
                    // Of a list there is what fits, and a word that it is not all.
                    if place == "escaped/", !request.lists.isEmpty {
                        #expect(answer.found?.isEmpty == false && answer.cut == "escaped/")
                        #expect(answer.found?.map(\.key) == Array(keys.prefix(answer.found?.count ?? 0)))
                    }
                    if place == "escaped/", request.lists.isEmpty { #expect(answer.found == nil) }
                }
            }
            // What follows on what does not fit is not asked for.
            #expect(try kit.ask(StoreRequest(lists: ["escaped/", "none/"])).cut == "escaped/")
            #expect(try kit.ask(StoreRequest(reads: ["plain/1000"], lists: ["none/"])).found?.count == 1)
        }
    }

    @Test func `a value that is longer than any record is told as such`() throws {
        try with { kit in
            _ = try kit.open()
            _ = try kit.ask(StoreRequest(puts: [.init("a", Array(repeating: 0x78, count: 900_000))]))
            let found = try #require(try kit.ask(StoreRequest(reads: ["a"], lists: [""])).found)
            #expect(found.map(\.value.count) == [StoreEvent.longestValue + 1, StoreEvent.longestValue + 1])
        }
    }

    @Test func `keys that no host makes are passed over`() throws {
        try with { kit in
            _ = try kit.open()
            // More than a page of them.
            let foreign = (0..<300).map { StoreRequest.Put("k \($0)", []) }
            _ = try kit.ask(StoreRequest(puts: foreign + [.init("k/a", [1]), .init("z", [1])]))
            #expect(try kit.ask(StoreRequest(lists: ["k"])).found?.map(\.key) == ["k/a"])
        }
    }

    @Test(arguments: [("done-unknown 1", true), ("lost-unknown 1", false)])
    func `a commit without an answer is unknown, and the next link tells`(fault: String, isDone: Bool) throws {
        try with { kit in
            _ = try kit.open()
            try kit.fault(fault)
            let answer = try kit.ask(put("a", "1", if: 0))
            #expect(answer.outcome == .unknown && answer.found == nil)
            #expect(try kit.down().contains("connection broke"))
            _ = try kit.up()
            #expect(try kit.ask(StoreRequest(reads: ["a"])).found?.isEmpty == !isDone)
        }
    }

    @Test func `a store that does not answer breaks the link in time`() throws {
        try with { kit in
            _ = try kit.open(timeoutMs: 200)
            try kit.fault("stop")
            let start = SystemClock().monotonic()
            let answer = try kit.ask(StoreRequest(reads: ["a"]))
            #expect(answer.outcome == .unknown && answer.found == nil)
            #expect(try kit.down() == "the store does not answer")
            #expect(SystemClock().monotonic() - start < 5_000_000_000)
            // It goes on trying, and meanwhile answers at once.
            #expect(try kit.down() == "the store does not answer")
            #expect(try kit.ask(StoreRequest(reads: ["a"])).outcome == .unknown)
            try kit.fault("")
            _ = try kit.up()
            #expect(try kit.ask(StoreRequest(reads: ["a"])).outcome == .done(version: 0))
        }
    }

    @Test func `a store that greets and then fails each commit is left alone ever longer`() throws {
        try with { kit in
            _ = try kit.open()
            try kit.fault("lost-unknown 100")
            let start = SystemClock().monotonic()
            for _ in 0..<3 {
                #expect(try kit.ask(put("a", "1")).outcome == .unknown)
                #expect(try kit.down().contains("connection broke"))
                _ = try kit.up()
            }
            // Pauses of 100, 200 and 400 ms, in which the times count that the connections lasted.
            #expect(SystemClock().monotonic() - start >= 600_000_000)
        }
    }

    @Test func `a store that has lost everything has another instance`() throws {
        try with { kit in
            let before = try kit.open().instance
            _ = try kit.ask(put("a", "1"))
            try kit.fault("wipe")
            _ = try kit.ask(StoreRequest(reads: ["a"]))
            #expect(try kit.down() == "the store was restarted")
            #expect(try kit.up().instance != before)
            #expect(try kit.ask(StoreRequest(reads: ["a"])).found == [])
        }
    }

    @Test func `a change that is watched is told`() throws {
        try with { kit in
            _ = try kit.open()
            // The watching link is opened meanwhile: what changes before that is not seen.
            let deadline = SystemClock().monotonic() + 10_000_000_000
            var isTold = false
            while !isTold, SystemClock().monotonic() < deadline {
                try kit.thread.perform(.ask(0, put("lease/routine/a", "1")))
                while kit.thread.isBusy { Thread.relax() }
                isTold = kit.inbox.has(.store(.changed(["lease/routine/a"])))
            }
            #expect(isTold)
        }
    }

    @Test func `a call that is late is no hang yet, and one that does not return is`() throws {
        try Fixtures.with("store", file: "libstore.so") { library in
            let kit = try Kit(library: library, parameters: ",\"lie\":\"late\"")
            _ = try kit.open(timeoutMs: 100)
            try kit.fault("stop")
            try kit.thread.perform(.ask(1, StoreRequest(reads: ["a"])))
            let now = SystemClock().boot()
            #expect(!kit.thread.hangs(at: now) && kit.thread.isBusy)
            let late = now + 60_000_000_000
            while SystemClock().boot() < now + 1_000_000_000, !kit.thread.isCalling { Thread.relax() }
            #expect(!kit.thread.hangs(at: late), "it gets a moment")
            #expect(kit.thread.hangs(at: late + 500_000_000))
            _ = try kit.down()
        }
    }

    @Test func `a watch that does not return is a hang, as any call is`() throws {
        try with { kit in
            _ = try kit.open()
            let deadline = SystemClock().monotonic() + 10_000_000_000
            // Between two calls it rests a little.
            var hangs = false
            while !hangs, SystemClock().monotonic() < deadline {
                Thread.relax()
                guard kit.thread.isWatching, !kit.thread.isBusy else { continue }
                let now = SystemClock().boot()
                #expect(!kit.thread.hangs(at: now))
                _ = kit.thread.hangs(at: now + 8_000_000_000)
                hangs = kit.thread.hangs(at: now + 8_500_000_000)
            }
            #expect(hangs)
            #expect(kit.thread.tick == 2000)
        }
    }

    @Test func `a store whose watch does not wait is asked ever less often`() throws {
        try Fixtures.with("store", file: "libstore.so") { library in
            let kit = try Kit(library: library, parameters: ",\"lie\":\"eager\"")
            let start = SystemClock().monotonic()
            _ = try kit.open()
            for _ in 0..<6 {
                try kit.inbox.next {
                    if case .store(.changed(let keys)) = $0 { #expect(keys == ["lease/routine/a"]) } else { nil }
                }
            }
            // Pauses of 20, 40, 80, 160 and 320 ms.
            #expect(SystemClock().monotonic() - start >= 600_000_000)
        }
    }

    private struct Unexpected: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
