import CPluginAPI
import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import PluginAPI
import Testing

@testable import HostWorker

/// A source's failure as all see it whom it concerns: who ran the source, who waited for it, who asks again too early.
@Suite("A source's failure, shared")
struct SharedFailureTests {
    private struct NoAnswer: Error, CustomStringConvertible {
        let description = "no answer"
    }

    /// The failure of a callback that returned `code`, after a cache's source failed with 7 and "no answer".
    private static func failure(
        _ code: Int32, message: String = "",
        source: CacheSourceFailure? = CacheSourceFailure(code: 7, text: "no answer"),
        in phase: Phase = .routine
    ) -> Session.Failure {
        var session = Session.none
        session.message = message
        session.cacheTrouble = Session.CacheTrouble(source: source, text: "cache c: no answer")
        return session.failure(phase, code, cycle: 3, attempt: 2)
    }

    @Test("a callback that returns a cache's code, or the source's own, fails in the phase cache, as the source did")
    func phases() {
        for code in [SCHEDHOST_SOURCE_FAILED.code, 7] {
            let failure = Self.failure(code)
            #expect(failure.phase == .cache && failure.code == 7 && failure.message == "cache c: no answer")
            #expect(failure.cycle == 3 && failure.attempt == 2)
        }
        // The overlay attaches the text itself.
        #expect(Self.failure(7, message: "no answer").phase == .cache)
        #expect(Self.failure(7, message: "no answer").message == "no answer")
        // The host's own reasons keep their codes.
        let tooLarge = Self.failure(SCHEDHOST_TOO_LARGE.code, source: nil)
        #expect(tooLarge.phase == .cache && tooLarge.code == SCHEDHOST_TOO_LARGE.code)
        #expect(Self.failure(SCHEDHOST_SOURCE_FAILED.code, source: nil).code == SCHEDHOST_SOURCE_FAILED.code)
        // An error in start stays one of start, with the source's code.
        let start = Self.failure(SCHEDHOST_SOURCE_FAILED.code, in: .start)
        #expect(start.phase == .start && start.code == 7)
    }

    @Test("an error of the callback's own is none of the cache's")
    func others() {
        #expect(Self.failure(8).phase == .routine && Self.failure(8).message.isEmpty)
        let other = Self.failure(7, message: "the disk is full")
        #expect(other.phase == .routine && other.message == "the disk is full")
        var session = Session.none
        session.message = "x"
        #expect(session.failure(.routine, 7, cycle: 0, attempt: 1).phase == .routine)
    }

    @Test("in Swift each of them gets the very error that the source threw; on the callback's thread and on others")
    func inSwift() throws {
        let clock = TestClock()
        let calls = Monitor(0)
        let cache = CacheMemory("c", expire: .seconds(60)) { () throws -> Int in
            calls.withLock { $0 += 1 }
            throw NoAnswer()
        }
        let told = Monitor((same: 0, over: 0))
        let plugin = Plugin("shared", version: "1") {
            Routine("r", wait: .zero, maxCycles: 1) { (scheduler: PluginAPI.Scheduler) throws -> Void in
                for _ in 0..<4 {
                    try HostSystem.Thread.start(name: "own") {
                        var same = 0
                        do { _ = try cache(in: scheduler) } catch is NoAnswer { same = 1 } catch {}
                        told.withLock { told in
                            told.same += same
                            told.over += 1
                        }
                        told.broadcast()
                    }
                }
                told.wait { $0.over == 4 ? () : nil }
                _ = try cache()
            }
        }
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 1, clock: clock)
        let end = try kit.session(kit.order(maxCycles: 1), on: clock)
        #expect(told.withLock { $0.same } == 4)
        #expect(calls.withLock { $0 } == 1, "one load, and its back-off")
        #expect(end.reason.phase == "cache" && end.reason.text == "no answer" && end.code == 1)
    }

    @Test("an error that is no longer known has its code and its text")
    func unknown() throws {
        let clock = TestClock()
        let codes = Monitor<[CacheError]>([])
        let cache = CacheMemory("k", expire: .seconds(60)) { (key: String) throws -> Int in
            throw Failure(code: 9, "no \(key)")
        }
        let plugin = Plugin("forgotten", version: "1") {
            Routine("r", wait: .zero, maxCycles: 1) { (_: PluginAPI.Scheduler) throws -> Void in
                // Of more keys than the overlay keeps errors of.
                for key in 0...256 { _ = try? cache(key: "\(key)") }
                do { _ = try cache(key: "0") } catch let error as CacheError {
                    codes.withLock { $0.append(error) }
                    throw error
                }
            }
        }
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 1, clock: clock)
        let end = try kit.session(kit.order(maxCycles: 1), on: clock)
        let error = try #require(codes.withLock { $0.first })
        #expect(error.code == 9 && error.message == "no 0" && error.isSourceFailure)
        #expect(end.reason.phase == "cache" && end.code == 9 && end.reason.text == "cache \"k\": no 0")
    }

    @Test("stats and stop cannot change the session any more")
    func closing() throws {
        let clock = TestClock()
        let answers = Monitor<[Int32]>([])
        let script = Script()
        let late: (Scheduler) -> Int32 = { scheduler in
            let host = unsafe scheduler.pointee.host.pointee
            unsafe host.end_session(scheduler, "too late")
            unsafe host.run_again_now(scheduler)
            let code = unsafe host.set_wait_ms(scheduler, 5)
            answers.withLock { $0.append(code) }
            return unsafe host.stat_int(scheduler, "a", 1)
        }
        unsafe script.stats = late
        unsafe script.stop = late
        let kit = unsafe try PluginKit([script], clock: clock)
        let end = try kit.session(kit.order(maxCycles: 1), on: clock)
        #expect(answers.withLock { $0 } == [SCHEDHOST_NOT_HERE.code, SCHEDHOST_NOT_HERE.code])
        #expect(end.reason.end == .maxCycles && end.reason.text.isEmpty && end.stats["a"] == .int(1))
    }
}
