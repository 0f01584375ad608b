import FoundationEssentials
import HostSystem
import HostWire
import Testing

@testable import HostWorker

@Suite("EventChannel")
struct EventChannelTests {
    private func log(_ number: Int) -> WorkerEvent.Log {
        WorkerEvent.Log(
            plugin: 0, routine: nil, level: 20, text: "line \(number) " + String(repeating: "x", count: 500), ms: 0)
    }

    /// Reads all that comes, flushing as the worker's main thread does when there is room.
    private func drain(_ end: borrowing Descriptor, _ channel: EventChannel) throws -> [WorkerEvent] {
        var lines = LineSplitter(limit: 4 << 20)
        var events: [WorkerEvent] = []
        while true {
            channel.flush()
            var wouldBlock = false
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                do { count = try unsafe end.receive(into: UnsafeMutableRawBufferPointer(buffer)) } catch {
                    wouldBlock = true
                }
            }
            if wouldBlock || bytes.isEmpty { return events }
            lines.take(bytes) { line in
                if line == .whole([]) { return }  // comes before each event
                guard case .whole(let text) = line,
                    let event = WorkerEvent(line: text)
                else {
                    Issue.record("a torn line")
                    return
                }
                events.append(event)
            }
        }
    }

    @Test("a full socket: nobody waits, log lines are dropped and counted, every other event arrives in order")
    func full() throws {
        let clock = TestClock()
        let pair = try DescriptorPair.socket()
        let channel = EventChannel(socket: try pair.second.duplicate(), clock: clock)
        for number in 0..<10_000 {
            clock.advance(5_000_000)  // 200 a second: within the rate
            channel.log(log(number))
            if number % 10 == 0 { channel.send(.dropped(count: -number)) }
        }
        channel.send(.goodbye)
        let events = try drain(pair.first, channel)
        var shown = 0
        var dropped = 0
        var kept: [Int] = []
        for event in events {
            switch event {
            case .log: shown += 1
            case .dropped(let count): if count > 0 { dropped += count } else { kept.append(-count) }
            case .described, .loaded, .refused, .ended, .wantsTurn, .turnOver, .wantsHistory, .wantsShared, .store,
                .goodbye:
                break
            }
        }
        channel.reportDropped()
        for case .dropped(let count) in try drain(pair.first, channel) { dropped += count }
        #expect(shown < 10_000 && shown + dropped == 10_000, "\(shown) shown, \(dropped) dropped")
        #expect(kept == Array(stride(from: 0, to: 10_000, by: 10)) && events.last == .goodbye)
        #expect(!channel.isBroken)
    }

    @Test("past its rate a plugin's lines are dropped; with time they come again")
    func rate() throws {
        let clock = TestClock()
        let pair = try DescriptorPair.socket()
        let channel = EventChannel(socket: try pair.second.duplicate(), clock: clock)
        func shown(_ count: Int) throws -> Int {
            var shown = 0
            for number in 0..<count {
                channel.log(log(number))
                if number % 100 == 99 { shown += try logs(pair.first, channel) }
            }
            return shown
        }
        #expect(try shown(5000) == 2000)
        clock.advance(500_000_000)
        #expect(try shown(5000) == 100)
    }

    @Test("how many were dropped is told at once, then once a second, and before a session's end")
    func told() throws {
        let clock = TestClock()
        let pair = try DescriptorPair.socket()
        let channel = EventChannel(socket: try pair.second.duplicate(), clock: clock)
        func counts() throws -> [Int] {
            try drain(pair.first, channel).compactMap { if case .dropped(let count) = $0 { count } else { nil } }
        }
        var told: [Int] = []
        for number in 0..<30_000 {
            clock.advance(100_000)
            channel.log(.init(plugin: 0, routine: nil, level: 20, text: "\(number)", ms: 0))
            if number % 100 == 99 { told += try counts() }
        }
        #expect((2...4).contains(told.count), "in 3 s \(told)")
        channel.send(.goodbye)
        told += try counts()
        let sum: Int = told.reduce(0, +)
        #expect((27_395...27_405).contains(sum), "all but 2000 and 200 a second: \(told)")
    }

    @Test("long lines count as several, so that bytes are bounded too")
    func bytes() throws {
        let clock = TestClock()
        let pair = try DescriptorPair.socket()
        let channel = EventChannel(socket: try pair.second.duplicate(), clock: clock)
        let text = String(repeating: "A", count: 65_536)
        var shown = 0
        for _ in 0..<100 {
            channel.log(.init(plugin: 0, routine: 0, level: 50, text: text, ms: 0))
            shown += try logs(pair.first, channel)
        }
        #expect(shown == 2000 / 128)
        clock.advance(640_000_000)
        channel.log(.init(plugin: 0, routine: 0, level: 50, text: text, ms: 0))
        #expect(try logs(pair.first, channel) == 1)
    }

    private func logs(_ end: borrowing Descriptor, _ channel: EventChannel) throws -> Int {
        try drain(end, channel).reduce(0) { count, event in
            if case .log = event { count + 1 } else { count }
        }
    }

    @Test("a supervisor that is gone is no error, and nothing piles up")
    func broken() throws {
        let channel: EventChannel
        do {
            let pair = try DescriptorPair.socket()
            channel = EventChannel(socket: try pair.second.duplicate(), clock: TestClock())
        }
        for number in 0..<100 { channel.log(log(number)) }
        channel.send(.goodbye)
        channel.flush(wait: true)
        #expect(channel.isBroken)
    }
}
