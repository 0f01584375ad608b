import CPluginAPI
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostWorker

/// What routines of a plugin have in common is in objects that they share, and each still has its own.
@Suite("Shared parts of routines")
struct SharedPartsTests {
    @Test("callbacks: those of each routine, whether the one before has the same or not")
    func callbacks() {
        var one = unsafe schedhost_routine()
        unsafe one.stop = { _, _ in 7 }
        var two = unsafe one
        unsafe two.start = { _, _ in 8 }
        let first = unsafe RoutineCallbacks(one)
        let same = unsafe RoutineCallbacks(one, after: first)
        let other = unsafe RoutineCallbacks(two, after: same)
        let back = unsafe RoutineCallbacks(one, after: other)
        for callbacks in [first, same, back] {
            #expect(callbacks.stop?(nil, nil) == 7)
            let hasOthers = unsafe callbacks.start != nil || callbacks.interrupt != nil || callbacks.onError != nil
            #expect(!hasOthers)
        }
        #expect(other.stop?(nil, nil) == 7 && other.start?(nil, nil) == 8)
    }

    @Test("a session's terms: one object for equal settings in a row")
    func terms() throws {
        let kit = unsafe try PluginKit([Script()])
        let settings = CacheSettings()
        func terms(_ text: String, timeout: Int64 = 0, attempts: UInt32 = 3) -> SessionTerms {
            kit.context.terms(
                parameters: text, caches: settings, onError: ErrorDefault(attempts: attempts), timeout: timeout)
        }
        let first = terms(#"{"a":1}"#)
        #expect(terms(#"{"a":1}"#) === first)
        let later = terms(#"{"a":1}"#, timeout: 5)
        #expect(later !== first && later.timeout == 5 && later.parameters === first.parameters)
        #expect(terms(#"{"a":1}"#, attempts: 9).onError.attempts == 9)
        #expect(unsafe terms(#"{"a":2}"#).parameters.int("a") == 2)
    }

    @Test("a clock other than the kernel's is read through its box")
    func clock() {
        let test = TestClock()
        let (clock, box) = TurnClock.reading(test)
        #expect(box != nil && clock.boot() == test.boot() && clock.wallMilliseconds() == test.wallMilliseconds())
        test.advance(1_000_000)
        #expect(clock.boot() == test.boot() && clock.monotonic() == test.monotonic() && clock.wall() == test.wall())
        withExtendedLifetime(box) {}
        let (kernel, none) = TurnClock.reading(SystemClock())
        let now = SystemClock().boot()
        #expect(none == nil && kernel.boot() >= now && kernel.boot() - now < 60_000_000_000)
        #expect(MemoryLayout<TurnClock>.size == 8)
    }
}
