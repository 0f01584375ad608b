import CPluginAPI
import HostInspection
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

@Suite("HostTable")
struct HostTableTests {
    /// Runs one cycle of a routine, and gives the session's end.
    @discardableResult
    private func cycle(
        _ clock: TestClock = TestClock(), parameters: String = "{}", waitMs: UInt64 = 1000,
        _ body: @escaping (Scheduler, schedhost_host) -> Void
    ) throws -> WorkerEvent.Ended {
        let kit = unsafe try PluginKit(
            [
                Script { scheduler in
                    unsafe body(scheduler, scheduler.pointee.host.pointee)
                    return 0
                }
            ], clock: clock)
        return try kit.session(kit.order(waitMs: waitMs, maxCycles: 1, parameters: parameters), on: clock)
    }

    @Test("no function is NULL, and each bears a NULL scheduler")
    func complete() throws {
        let host = unsafe HostTable.shared.pointee
        let words = unsafe MemoryLayout<schedhost_host>.size / 8
        unsafe withUnsafeBytes(of: host) { bytes in
            for word in 1..<words {
                expect(unsafe bytes.load(fromByteOffset: word * 8, as: UInt.self) != 0, "word \(word)")
            }
        }
        expect(unsafe host.struct_size == UInt32(MemoryLayout<schedhost_host>.size))
        expect(unsafe host.now_ms(nil) == 0 && host.next_due_ms(nil) == .max && host.log_enabled(nil, 50) == 0)
        unsafe host.log(nil, 50, "x", 1)
        expect(unsafe host.param_int(nil, "a", 5) == 5 && host.fail(nil, 3, "x") == 3 && host.stop_requested(nil) == 0)
        expect(unsafe host.sleep_ms(nil, 1) == 0 && host.set_wait_ms(nil, 1) == SCHEDHOST_INVALID.code)
        unsafe host.end_session(nil, nil)
        unsafe host.run_again_now(nil)
        unsafe #expect(host.lease_left_ms(nil) == .max)
        expect(unsafe host.stat_int(nil, "a", 1) == SCHEDHOST_INVALID.code)
    }

    @Test("cache_error is never NULL")
    func cacheError() throws {
        try unsafe cycle { scheduler, host in
            expect(unsafe words(host.cache_error(scheduler, nil)) == "")
        }
    }

    @Test("what fails is no success, whatever number it has")
    func failZero() throws {
        try unsafe cycle { scheduler, host in
            expect(unsafe host.fail(scheduler, SCHEDHOST_OK.code, "no") == SCHEDHOST_ERROR.code)
            expect(unsafe host.fail(nil, SCHEDHOST_OK.code, nil) == SCHEDHOST_ERROR.code)
            expect(unsafe host.fail(scheduler, SCHEDHOST_STOPPED.code, "no") == SCHEDHOST_STOPPED.code)
        }
    }

    @Test("a source that makes nothing fails, and one that writes 0 bytes makes an empty value")
    func nothingMade() throws {
        try unsafe cycle { scheduler, host in
            let sources: [(schedhost_source, Int32)] = unsafe [
                ({ _, _, _, _, _ in 0 }, SCHEDHOST_SOURCE_FAILED.code),
                ({ _, _, _, writer, _ in unsafe writer?.pointee.write(writer, nil, 0) ?? -1 }, SCHEDHOST_OK.code),
            ]
            for index in unsafe sources.indices {
                let (source, code) = unsafe sources[index]
                var options = unsafe schedhost_cache_options()
                unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
                unsafe options.source = unsafe source
                var cache: OpaquePointer?
                expect(unsafe host.cache_memory(scheduler, "c\(index)", &options, &cache) == 0)
                var value = unsafe schedhost_cache_value()
                unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
                expect(unsafe host.cache_get(scheduler, cache, nil, &value) == code)
                expect(unsafe value.size == 0 && (value.state == SCHEDHOST_VALUE_NONE) == (code != 0))
                let text = unsafe words(host.cache_error(scheduler, cache))
                expect(text == (code != 0 ? "the source made no value of bytes" : ""))
            }
        }
    }

    @Test("a call that fails empties its answer, also when there is no cache or no key")
    func emptied() throws {
        try unsafe cycle { scheduler, host in
            var value = unsafe schedhost_cache_value()
            func isEmptied(_ call: (UnsafeMutablePointer<schedhost_cache_value>) -> Int32) -> Bool {
                unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
                unsafe (value.state, value.size) = (UInt32(SCHEDHOST_VALUE_HIT), 5)
                let code = unsafe call(&value)
                return unsafe code == SCHEDHOST_INVALID.code && value.state == SCHEDHOST_VALUE_NONE && value.size == 0
            }
            expect(unsafe isEmptied { unsafe host.cache_get(scheduler, nil, nil, $0) })
            expect(unsafe isEmptied { unsafe host.cache_peek(scheduler, nil, nil, 0, $0) })
            expect(unsafe isEmptied { unsafe host.cache_peek(nil, nil, nil, 3, $0) })
        }
    }

    @Test("parameters by type, with fallbacks")
    func parameters() throws {
        let json = #"{"s":"text","i":7,"d":2.5,"w":3.0,"b":true,"n":null,"l":[1],"big":1e300}"#
        try unsafe cycle(parameters: json) { scheduler, host in
            expect(unsafe words(host.param_string(scheduler, "s", "no")) == "text")
            expect(unsafe words(host.param_string(scheduler, "i", "no")) == "no")
            expect(unsafe host.param_string(scheduler, nil, nil) == nil)
            expect(unsafe host.param_int(scheduler, "i", -1) == 7 && host.param_int(scheduler, "w", -1) == 3)
            expect(unsafe host.param_int(scheduler, "d", -1) == -1 && host.param_int(scheduler, "big", -1) == -1)
            expect(unsafe host.param_double(scheduler, "d", 0) == 2.5 && host.param_double(scheduler, "i", 0) == 7)
            expect(unsafe host.param_double(scheduler, "s", 9) == 9)
            expect(unsafe host.param_bool(scheduler, "b", 0) == 1 && host.param_bool(scheduler, "i", 5) == 5)
            expect(unsafe host.param_int(scheduler, "n", 4) == 4 && host.param_int(scheduler, "l", 4) == 4)
            expect(unsafe words(host.params_json(scheduler)) == json)
        }
    }

    @Test("stats: names, numbers of them, and the last value stands")
    func stats() throws {
        let end = try unsafe cycle { scheduler, host in
            expect(unsafe host.stat_int(scheduler, "a", 1) == 0 && host.stat_double(scheduler, "a", 0.5) == 0)
            expect(unsafe host.stat_string(scheduler, "s", "x") == 0)
            expect(unsafe host.stat_string(scheduler, "s", nil) == SCHEDHOST_INVALID.code)
            expect(unsafe host.stat_double(scheduler, "nan", .nan) == 0)
            for name in ["", String(repeating: "n", count: 129), String(repeating: "n", count: 100_000)] {
                expect(unsafe host.stat_int(scheduler, name, 1) == SCHEDHOST_INVALID.code)
            }
            expect(unsafe host.stat_int(scheduler, nil, 1) == SCHEDHOST_INVALID.code)
            expect(unsafe host.stat_int(scheduler, String(repeating: "n", count: 128), 1) == 0)
            for index in 0..<60 { expect(unsafe host.stat_int(scheduler, "c\(index)", 1) == 0) }
            expect(unsafe host.stat_int(scheduler, "one more", 1) == SCHEDHOST_INVALID.code)
            expect(unsafe host.stat_int(scheduler, "c5", 77) == 0)
            expect(unsafe host.stat_string(scheduler, "s", String(repeating: "\u{1}é", count: 1_000_000)) == 0)
        }
        #expect(end.stats.columns.count == 64)
        #expect(end.stats["a"] == .double(0.5) && end.stats["c5"] == .int(77) && end.stats["nan"] == .string("nan"))
        guard case .string(let text)? = end.stats["s"] else { return #expect(Bool(false)) }
        #expect((2046...2048).contains(text.utf8.count) && text.hasSuffix("\u{1}"))
    }

    @Test("a text is within its bound also when its bytes are none of UTF-8, and are escaped")
    func bounds() {
        for (bytes, limit, expected) in [
            ([0xff, 0xff, 0xff], 3, ""), ([0xff, 0xff, 0xff], 9, "\\xff\\xff"), ([0x61, 0xff, 0x62], 5, "a\\xff"),
            ([0x61, 0xff, 0x62], 6, "a\\xffb"), ([0xff, 0xe2, 0x82, 0xac], 6, "\\xff"),
        ] as [([UInt8], Int, String)] {
            let text = unsafe bytes.withUnsafeBytes { unsafe PluginText.string($0, limit: limit) }
            #expect(text == expected, "\(bytes) \(limit)")
        }
    }

    @Test("a callback is told of its own routine and session, also after another one's on the same thread")
    func places() throws {
        let clock = TestClock()
        let told = Log()
        let scripts = (0..<2).map { _ in
            Script { scheduler in
                let place = unsafe place(scheduler)
                told.add(unsafe "\(words(place.routine)) \(words(place.session)) \(place.cycle) of \(place.shards)")
                return 0
            }
        }
        let kit = unsafe try PluginKit(scripts, clock: clock)
        let orders = [0, 1, 0].map { kit.order($0, maxCycles: 2) }
        for order in orders { _ = try kit.session(order, on: clock) }
        let expected = orders.flatMap { order in
            (0..<2).map { "r\(order.routine) \(order.session) \($0) of 1" }
        }
        #expect(told.all == expected)
    }

    @Test("set_wait_ms, its bound; run_again_now; end_session; next_due_ms")
    func control() throws {
        let clock = TestClock()
        let end = try unsafe cycle(clock) { scheduler, host in
            expect(unsafe host.set_wait_ms(scheduler, 2_678_400_000) == 0)
            expect(unsafe host.set_wait_ms(scheduler, 2_678_400_001) == SCHEDHOST_INVALID.code)
            expect(unsafe host.set_wait_ms(scheduler, .max) == SCHEDHOST_INVALID.code)
            expect(unsafe host.next_due_ms(scheduler) == .max, "it is the last cycle")
            unsafe host.end_session(scheduler, "enough")
            expect(unsafe host.now_ms(scheduler) == clock.wall().milliseconds)
        }
        #expect(end.reason.end == .maxCycles)
        let script = Script { scheduler in
            let host = unsafe scheduler.pointee.host.pointee
            let cycle = unsafe place(scheduler).cycle
            if cycle == 0 {
                expect(unsafe host.next_due_ms(scheduler) == clock.wall().milliseconds + 1000)
                unsafe host.run_again_now(scheduler)
                expect(unsafe host.next_due_ms(scheduler) == clock.wall().milliseconds)
            }
            if cycle == 1 { unsafe host.end_session(scheduler, "enough") }
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        let own = try kit.session(kit.order(waitMs: 1000), on: clock)
        #expect(own.reason.end == .endedByRoutine && own.reason.text == "enough" && own.cycles == 2)
        #expect(own.durationNs == 0, "the second came at once")
    }

    @Test("on a thread of the plugin's own: NOT_HERE, or nothing")
    func otherThread() throws {
        let end = try unsafe cycle { scheduler, host in
            let done = Monitor(false)
            let address = UInt(bitPattern: scheduler)
            #expect(throws: Never.self) {
                try Thread.start(name: "own") {
                    if let scheduler = unsafe Scheduler(bitPattern: address) {
                        let host = unsafe scheduler.pointee.host.pointee
                        expect(unsafe host.set_wait_ms(scheduler, 5) == SCHEDHOST_NOT_HERE.code)
                        expect(unsafe host.stat_int(scheduler, "a", 5) == SCHEDHOST_NOT_HERE.code)
                        expect(unsafe host.sleep_ms(scheduler, 60_000) == 0, "at once")
                        expect(unsafe host.next_due_ms(scheduler) == .max)
                        unsafe host.end_session(scheduler, "no")
                        unsafe host.run_again_now(scheduler)
                        expect(unsafe host.fail(scheduler, 5, "no") == 5)
                        expect(unsafe host.param_int(scheduler, "x", 5) == 5 && host.stop_requested(scheduler) == 0)
                    }
                    done.withLock { $0 = true }
                    done.broadcast()
                }
            }
            done.wait { $0 ? () : nil }
        }
        #expect(end.stats.columns.isEmpty && end.reason.end == .maxCycles)
    }

    @Test("sleep_ms sleeps, and ends at once with 1 when the host asks to stop")
    func sleep() throws {
        let inside = Monitor(0)
        let script = Script { scheduler in
            let host = unsafe scheduler.pointee.host.pointee
            expect(unsafe host.sleep_ms(scheduler, 1) == 0)
            inside.withLock { $0 = 1 }
            inside.broadcast()
            expect(unsafe host.sleep_ms(scheduler, .max) == 1)
            expect(unsafe host.stop_requested(scheduler) == 1)
            return 0
        }
        let kit = unsafe try PluginKit([script])
        #expect(kit.context.runners[0].prepare(kit.order()))
        kit.context.driver?.begin(0)
        inside.wait { $0 == 1 ? () : nil }
        kit.context.runners[0].ask(.stop)
        #expect(try kit.nextEnd()?.reason.end == .stopped)
    }

    @Test("log lines below the level are not sent; sizes and bytes of any kind are borne")
    func logging() throws {
        let script = Script { scheduler in
            let host = unsafe scheduler.pointee.host.pointee
            expect(unsafe host.log_enabled(scheduler, 19) == 0 && host.log_enabled(scheduler, 20) == 1)
            unsafe host.log(scheduler, 10, "hidden", 6)
            unsafe host.log(scheduler, 20, nil, 5)
            unsafe host.log(scheduler, 30, "a\u{ff}b", 2)
            let long = [CChar](repeating: 0x61, count: 70_000)
            unsafe host.log(scheduler, 40, long, long.count)
            unsafe host.log(scheduler, 50, long, -1)
            return 0
        }
        let kit = unsafe try PluginKit([script])
        #expect(kit.context.runners[0].prepare(kit.order(maxCycles: 1)))
        kit.context.driver?.begin(0)
        var lines: [WorkerEvent.Log] = []
        while let event = try kit.next() {
            guard case .log(let line) = event else { break }
            lines.append(line)
        }
        #expect(lines.map(\.level) == [30, 40], "a size past half of the memory is nobody's text")
        #expect(lines.first?.text == "a\\xc3", "a character that is cut is shown as it is")
        #expect(lines.last?.text.utf8.count == 65_536)
    }

    @Test("loads of a cache are logged at debug, and nothing of them is sent, counted or dropped above it")
    func loads() throws {
        for (level, expected) in [(20, 0), (10, 3)] as [(Int32, Int)] {
            let script = Script { scheduler in
                let host = unsafe scheduler.pointee.host.pointee
                var options = unsafe schedhost_cache_options()
                unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
                unsafe options.source = { _, _, _, writer, _ in unsafe writer?.pointee.write(writer, "value", 5) ?? -1 }
                var cache: OpaquePointer?
                expect(unsafe host.cache_memory(scheduler, "c", &options, &cache) == 0)
                var request = unsafe schedhost_cache_request()
                unsafe request.struct_size = UInt32(MemoryLayout<schedhost_cache_request>.size)
                unsafe request.flags = UInt32(SCHEDHOST_GET_FRESH)
                var value = unsafe schedhost_cache_value()
                unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
                for _ in 0..<3 { expect(unsafe host.cache_get(scheduler, cache, &request, &value) == 0) }
                return 0
            }
            let kit = unsafe try PluginKit([script])
            kit.log.set(level)
            #expect(kit.context.runners[0].prepare(kit.order(maxCycles: 1)))
            kit.context.driver?.begin(0)
            var lines: [String] = []
            while let event = try kit.next() {
                guard case .log(let line) = event else { break }
                lines.append(line.text)
            }
            #expect(lines == Array(repeating: "memory cache c: loaded 5 bytes in 0 ms", count: expected))
        }
    }

    @Test("load has parameters and fail, and no session")
    func load() throws {
        let kit = unsafe try PluginKit([Script()], parameters: #"{"p":3}"#) { plugin in
            unsafe plugin.load = { scheduler, _ in
                guard let scheduler = unsafe scheduler else { return 1 }
                let host = unsafe scheduler.pointee.host.pointee
                guard unsafe host.param_int(scheduler, "p", 0) == 3,
                    unsafe host.set_wait_ms(scheduler, 1) == SCHEDHOST_NOT_HERE.code,
                    unsafe host.stat_int(scheduler, "a", 1) == SCHEDHOST_NOT_HERE.code
                else { return 2 }
                unsafe host.end_session(scheduler, "x")
                return unsafe host.fail(scheduler, 5, "refused")
            }
        }
        #expect(kit.context.load() == "refused" && kit.context.unload() == nil)
    }

    @Test("a NULL version is refused")
    func version() throws {
        do {
            _ = unsafe try PluginKit([Script()]) { plugin in unsafe plugin.version = nil }
            Issue.record("it was taken")
        } catch let refusal as LoadedPlugin.Refusal {
            #expect(refusal.stage == .descriptor && refusal.text.hasPrefix("version is NULL"))
        }
    }
}
