import CPluginAPI
import PluginAPI
import Testing

/// An error with a description of its own.
private struct Broken: Error, CustomStringConvertible {
    var description: String { "the wire is cut" }
}

private final class Counter: @unchecked Sendable {
    var value = 0
}

@Suite struct RoutineTests {
    @Test func descriptorIsWhole() {
        let level = Parameter("level", default: 0.5, range: "0..1", description: "how loud")
        let plugin = Plugin(
            "whole", version: "1.2.3", description: "all of it", serial: true, needsMinor: 4, parameters: [level]
        ) {
            Routine("full", wait: .milliseconds(1500), maxCycles: 7, timeout: .microseconds(1), description: "d") { _ in
            } start: {
                _ in
            } stop: {
                _ in
            } stats: {
                _ in
            } onError: { _, _ in
                .default
            }
            for name in ["a", "b"] { Routine(name, wait: .seconds(-1)) { _ in } }
            Routine("late", wait: .seconds(Int64.max)) { _ async in }
        } load: {
            _ in
        }
        let given = unsafe plugin.descriptor.pointee
        unsafe #expect(given.struct_size == 96 && given.needs == nil)
        unsafe #expect(given.flags == UInt32(SCHEDHOST_SERIAL))
        unsafe #expect(String(cString: given.id) == "whole" && String(cString: given.version) == "1.2.3")
        unsafe #expect(given.needs_minor == 4 && given.load != nil && given.unload == nil)
        let parameters = unsafe entries(given.parameters)
        unsafe #expect(parameters.count == 1 && parameters[0].pointee.struct_size == 48)
        unsafe #expect(parameters[0].pointee.type == UInt32(SCHEDHOST_PARAM_DOUBLE))
        unsafe #expect(String(cString: parameters[0].pointee.default_value) == "0.5")
        unsafe #expect(String(cString: parameters[0].pointee.range) == "0..1")
        let routines = unsafe plugin.routines.map { unsafe $0.pointee }
        let names = unsafe routines.map { unsafe String(cString: $0.name) }
        #expect(names == ["full", "a", "b", "late"])
        for index in unsafe routines.indices {
            let routine = unsafe routines[index]
            unsafe #expect(
                routine.struct_size == 112 && routine.start != nil && routine.run != nil && routine.user != nil)
        }
        unsafe #expect(routines[0].wait_ms == 1500 && routines[0].max_cycles == 7 && routines[0].timeout_ms == 1)
        unsafe #expect(routines[0].stop != nil && routines[0].stats != nil && routines[0].on_error != nil)
        unsafe #expect(routines[0].interrupt == nil && routines[3].interrupt != nil)
        unsafe #expect(routines[1].wait_ms == UInt64(bitPattern: -1000))
        unsafe #expect(routines[1].stop == nil && routines[1].on_error == nil)
        unsafe #expect(routines[3].wait_ms == UInt64(Int64.max))
    }

    @Test func needs() {
        let plugin = Plugin(
            "needy", version: "1",
            needs: [
                .read("/r"), .write("/w"), .execute("/x"), .connect(443), .bind(9100), .udp, .unix("/run/s"),
                .systemCall("chmod"), .environment("KEY"),
            ]
        ) { Routine("run", wait: .seconds(1)) { _ in } }
        var texts: [String] = []
        while let text = unsafe plugin.descriptor.pointee.needs?[texts.count] {
            texts.append(unsafe String(cString: text))
        }
        #expect(
            texts == [
                "read=/r", "write=/w", "execute=/x", "connect=443", "bind=9100", "udp", "unix=/run/s", "syscalls=chmod",
                "environment=KEY",
            ])
    }

    @Test func schedulesAndSecrets() {
        let token = Parameter("token", default: "").secret
        let plugin = Plugin("timed", version: "1", parameters: [token, Parameter("open", default: 1)]) {
            Routine("report", schedule: "Mon..Fri 09:30 Europe/Berlin") { _ in }
            Routine("later", schedule: "daily", maxCycles: 3) { _ async in }
            Routine("often", wait: .seconds(1)) { _ in }
        }
        let routines = unsafe plugin.routines.map { unsafe $0.pointee }
        unsafe #expect(String(cString: routines[0].schedule) == "Mon..Fri 09:30 Europe/Berlin")
        unsafe #expect(routines[0].wait_ms == 0 && routines[1].schedule != nil && routines[1].max_cycles == 3)
        unsafe #expect(routines[2].schedule == nil && routines[2].wait_ms == 1000)
        let parameters = unsafe entries(plugin.descriptor.pointee.parameters)
        unsafe #expect(parameters[0].pointee.flags == UInt32(SCHEDHOST_PARAM_SECRET))
        unsafe #expect(parameters[1].pointee.flags == 0)
    }

    @Test func placeAndCalls() {
        let host = FakeHost()
        host.cycle = 12
        host.attempt = 2
        let code = host.once { scheduler throws in
            #expect(scheduler.cycle == 12 && scheduler.attempt == 2)
            #expect(scheduler.plugin == "fake" && scheduler.routine == "routine" && scheduler.session == "s1")
            #expect(scheduler.lifetimeCycles == 70 && scheduler.missed == 3 && scheduler.sessionBefore == .crash)
            #expect(scheduler.sessionStartMilliseconds == 1_700_000_000_000)
            #expect(scheduler.nextDueMilliseconds == nil)
            #expect(scheduler.leaseToken == 41 && scheduler.leaseLeft == .milliseconds(2500))
            #expect(scheduler.shard == (3, 16))
            host.leaseLeft = .max
            #expect(scheduler.leaseLeft == nil)
            unsafe #expect(Scheduler.current?.pointer == scheduler.pointer)
            #expect(scheduler.sleep(.microseconds(2001)))
            #expect(scheduler.setWait(.seconds(3)) && !scheduler.setWait(.seconds(2_678_401)))
            scheduler.runAgainNow()
            scheduler.endSession("enough")
            scheduler.stat("rows", UInt64.max)
            scheduler.stat("ratio", 0.25)
            scheduler.stat("name", "x")
        }
        #expect(code == 0)
        #expect(Scheduler.current == nil)
        #expect(host.calls == ["sleep 3", "wait 3000", "wait 2678401000", "again", "end enough"])
        #expect(host.stats == ["rows": "9223372036854775807", "ratio": "0.25", "name": "x"])
    }

    @Test func stopIsSeen() {
        let host = FakeHost()
        host.stopRequested = true
        host.once { scheduler throws in
            #expect(scheduler.stopRequested)
            #expect(!scheduler.sleep(.seconds(1)))
        }
    }

    @Test(arguments: [
        (Failure(code: 7, "seven") as any Error, Int32(7), "seven"), (Failure(code: 0, "none"), 1, "none"),
        (Broken(), 1, "the wire is cut"),
    ])
    func thrownErrorBecomesCodeAndText(error: any Error, code: Int32, text: String) {
        let host = FakeHost()
        #expect(host.once { _ throws in throw error } == code)
        #expect(host.failures == [text])
    }

    @Test func textIsMadeOnlyWhenShown() {
        let host = FakeHost()
        let made = Counter()
        host.once { scheduler throws in
            func text() -> String {
                made.value += 1
                return "line \(made.value)"
            }
            scheduler.log.trace(text())
            scheduler.log.debug(text())
            scheduler.log.info(text())
            scheduler.log.success("läuft")
            scheduler.log.warning("w")
            scheduler.log.error("e")
            scheduler.log.critical("")
        }
        #expect(made.value == 1)
        #expect(host.lines.map(\.level) == [20, 25, 30, 40, 50])
        #expect(host.lines.map(\.text) == ["line 1", "läuft", "w", "e", ""])
    }

    @Test func parametersHaveTypes() {
        let host = FakeHost()
        host.parameters = ["s": "text", "i": "-5", "d": "2.5", "b": "true"]
        host.once { scheduler throws in
            #expect(scheduler[Parameter("s", default: "x")] == "text" && scheduler[Parameter("t", default: "x")] == "x")
            #expect(scheduler[Parameter("i", default: 1)] == -5 && scheduler.parameter("j", default: 1) == 1)
            #expect(scheduler[Parameter("d", default: 1.0)] == 2.5 && scheduler.parameter("e", default: 1.5) == 1.5)
            #expect(scheduler[Parameter("b", default: false)] && !scheduler.parameter("c", default: false))
            #expect(scheduler.parametersJSON == "{}")
        }
    }

    @Test(arguments: [
        (ErrorDecision.default, SCHEDHOST_DECIDE_DEFAULT, UInt64(0)), (.continue, SCHEDHOST_DECIDE_CONTINUE, 0),
        (.retry(after: .milliseconds(250)), SCHEDHOST_DECIDE_RETRY, 250),
        (.endSession, SCHEDHOST_DECIDE_END_SESSION, 0), (.stop, SCHEDHOST_DECIDE_STOP, 0),
        (.quarantine, SCHEDHOST_DECIDE_QUARANTINE, 0),
    ])
    func hookDecides(decision: ErrorDecision, number: Int, retry: UInt64) throws {
        let host = FakeHost()
        let asked = Counter()
        let plugin = Plugin("hooked", version: "1") {
            Routine("r", wait: .zero) { _ in
                throw Broken()
            } onError: { _, error in
                asked.value += 1
                #expect(error.phase == .routine && error.code == 1 && error.message == "the wire is cut")
                #expect(error.cycle == 4 && error.attempt == 2 && error.underlying is Broken)
                return decision
            }
        }
        let routine = unsafe plugin.routines[0]
        unsafe #expect(host.run(routine) == 1)
        var error = unsafe schedhost_error()
        unsafe error.struct_size = unsafe UInt32(MemoryLayout<schedhost_error>.size)
        unsafe error.phase = UInt32(SCHEDHOST_PHASE_ROUTINE)
        unsafe error.code = 1
        unsafe error.attempt = 2
        unsafe error.cycle = 4
        unsafe error.message = unsafe immortalText("the wire is cut")
        var answer = schedhost_decision()
        answer.struct_size = UInt32(MemoryLayout<schedhost_decision>.size)
        let hook = unsafe try #require(routine.pointee.on_error)
        unsafe hook(host.scheduler, &error, &answer, routine.pointee.user)
        #expect(asked.value == 1)
        #expect(answer.decision == UInt32(number) && answer.retry_ms == retry)
    }

    @Test func lifeOfASession() {
        let host = FakeHost()
        let order = Counter()
        let plugin = Plugin("life", version: "1") {
            Routine("r", wait: .zero) { _ in
                order.value = order.value * 10 + 2
            } start: { _ in
                order.value = order.value * 10 + 1
            } stop: { _ in
                order.value = order.value * 10 + 4
            } stats: { _ in
                order.value = order.value * 10 + 3
            }
        } load: { scheduler in
            scheduler.log.info("loading")
        } unload: { _ in
            throw Broken()
        }
        let given = unsafe plugin.descriptor.pointee
        let routine = unsafe plugin.routines[0]
        unsafe #expect(given.load(host.scheduler, given.user) == 0)
        unsafe #expect(host.call(routine.pointee.start, routine) == 0)
        unsafe #expect(host.run(routine) == 0)
        unsafe #expect(host.call(routine.pointee.stats, routine) == 0)
        unsafe #expect(host.call(routine.pointee.stop, routine) == 0)
        unsafe #expect(given.unload(host.scheduler, given.user) == 1)
        #expect(order.value == 1234)
        #expect(host.lines.map(\.text) == ["loading"] && host.failures == ["the wire is cut"])
    }

    /// A host may be of an older minor, or another program: each length of its table is borne.
    @Test(arguments: Array(stride(from: 0, through: 264, by: 4)))
    func shortTableIsBorne(size: Int) {
        let host = FakeHost(tableSize: size)
        let code = host.once { scheduler throws in
            _ = (scheduler.cycle, scheduler.plugin, scheduler.nowMilliseconds, scheduler.nextDueMilliseconds)
            scheduler.log.critical("x")
            _ = scheduler.parameter("a", default: "b") + scheduler.parametersJSON
            _ = (scheduler.parameter("a", default: 1), scheduler.parameter("a", default: 1.5))
            #expect(scheduler.parameter("a", default: true))
            _ = scheduler.sleep(.zero)
            _ = scheduler.setWait(.zero)
            scheduler.runAgainNow()
            scheduler.endSession()
            _ = (scheduler.stat("a", 1), scheduler.stat("a", 1.5), scheduler.stat("a", "b"), scheduler.stopRequested)
            #expect((try? scheduler.cacheMemory("m", expire: nil) { 5 }) ?? 5 == 5)
            #expect((try? scheduler.cache("d", expire: nil) { 5 }) ?? 5 == 5)
            throw Broken()
        }
        #expect(code == 1)
    }

    @Test func nullsAreRefused() throws {
        let plugin = Plugin("null", version: "1") { Routine("r", wait: .zero) { _ in } }
        let run = unsafe try #require(plugin.routines[0].pointee.run)
        var scheduler = unsafe schedhost_scheduler()
        unsafe #expect(run(nil, plugin.routines[0].pointee.user) == Int32(SCHEDHOST_INVALID))
        unsafe #expect(run(&scheduler, plugin.routines[0].pointee.user) == Int32(SCHEDHOST_INVALID))
        unsafe scheduler.struct_size = unsafe UInt32(MemoryLayout<schedhost_scheduler>.size)
        unsafe #expect(run(&scheduler, plugin.routines[0].pointee.user) == Int32(SCHEDHOST_INVALID))
        unsafe #expect(run(FakeHost().scheduler, nil) == Int32(SCHEDHOST_INVALID))
    }
}
