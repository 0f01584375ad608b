import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostWorker

/// What other threads ask of a routine's turn.
@Suite("TurnRequests")
struct TurnRequestsTests {
    @Test("what is asked for is seen once, and a session begins with its own")
    func taken() {
        let requests = TurnRequests()
        #expect(requests.isEmpty && requests.take() == [])
        requests.ask(.runNow)
        requests.ask(.look)
        #expect(!requests.isEmpty && requests.take() == [.runNow, .look] && requests.isEmpty)
        requests.ask(.stop)
        requests.begin(.pause)
        #expect(requests.take() == .pause && !requests.isStopAsked)
    }

    @Test("of a pause and a resume the last one counts")
    func lastOneCounts() {
        let requests = TurnRequests()
        requests.begin([])
        for kind in [.pause, .resume, .pause] as [TurnRequests.Kinds] { requests.ask(kind) }
        requests.ask(.look)
        #expect(requests.take() == [.pause, .look])
        for kind in [.resume, .pause, .resume] as [TurnRequests.Kinds] { requests.ask(kind) }
        #expect(requests.take() == .resume)
        requests.begin(.pause)
        requests.ask(.resume)
        #expect(requests.take() == .resume)
    }

    @Test("a stop holds for the whole session, and ends each sleep")
    func stop() {
        let requests = TurnRequests()
        requests.begin([])
        expect(!requests.sleep(until: 0))
        requests.ask(.stop)
        _ = requests.take()
        #expect(requests.isStopAsked && requests.sleep(until: .never))
    }

    @Test("an interruption comes once, after a stop, while a cycle runs")
    func interruption() {
        let requests = TurnRequests()
        var count = 0
        requests.interrupt(if: { true }) { count += 1 }
        requests.ask(.stop)
        requests.interrupt(if: { false }) { count += 1 }
        #expect(count == 0)
        requests.interrupt(if: { true }) { count += 1 }
        requests.interrupt(if: { true }) { count += 1 }
        #expect(count == 1)
        requests.waitForInterruption()
        requests.begin([])
        requests.ask(.stop)
        requests.interrupt(if: { true }) { count += 1 }
        #expect(count == 2)
    }

    @Test("the end of a session waits for an interruption in progress")
    func waiting() throws {
        final class Place: Sendable {
            let requests = TurnRequests()
            let order = Log()
            let inside = Monitor(false)
        }
        let place = Place()
        place.requests.ask(.stop)
        let isDone = Monitor(false)
        try Thread.start(name: "interrupt") {
            place.requests.interrupt(if: { true }) {
                place.inside.withLock { $0 = true }
                place.inside.broadcast()
                for _ in 0..<1000 { _ = Thread.identifier() }
                place.order.add("interrupted")
            }
            isDone.withLock { $0 = true }
            isDone.broadcast()
        }
        place.inside.wait { $0 ? () : nil }
        place.requests.waitForInterruption()
        place.order.add("stop")
        isDone.wait { $0 ? () : nil }
        #expect(place.order.all == ["interrupted", "stop"])
    }

    @Test("threads of a plugin that are waited for see a stop, which goes unless somebody asked for one")
    func stopping() {
        let requests = TurnRequests()
        requests.begin([])
        requests.stopping { #expect(requests.isStopAsked && requests.sleep(until: .never)) }
        expect(!requests.isStopAsked)
        requests.stopping { requests.ask(.stop) }
        expect(requests.isStopAsked)
        _ = requests.take()
        requests.stopping {}
        expect(requests.isStopAsked)
    }
}
