import Glibc
import HostSystem
import HostValues
import Synchronization
import Testing

/// The page that says until when leases are valid, and the timer that ends a process then.
@Suite struct LeasePageTests {
    @Test func aWorkerReadsWhatTheHostWrites() throws {
        let page = try LeasePage()
        let number = try #require(page.raw)
        let copy = try LeasePage(reading: Descriptor(owning: dup(number)))
        #expect(copy.raw == nil && copy.deadline == BootTime(nanoseconds: 0))
        page.deadline = BootTime(nanoseconds: 5)
        #expect(copy.deadline == BootTime(nanoseconds: 5))
    }

    @Test func nobodyElseWritesIt() throws {
        let page = try LeasePage()
        let number = try #require(page.raw)
        let file = Descriptor(owning: dup(number))
        #expect(throws: SystemError.self) { _ = try Mapping(file, size: 4096, writable: true, subject: "page") }
        #expect(throws: SystemError.self) { try file.writeAll([1], subject: "page") }
        #expect(throws: SystemError.self) { try file.truncate(to: 0, subject: "page") }
    }

    /// Not by a process that is expected to end: the library's thread that waits for it takes each child that anybody in
    /// this process has not reaped for one of its own, and turns in a circle.
    @Test func theTimerIsTheKernels() throws {
        _ = arrivals.load(ordering: .relaxed)
        _ = signal(SIGWINCH) { _ in arrivals.add(1, ordering: .relaxed) }
        defer { _ = signal(SIGWINCH, SIG_DFL) }
        let clock = SystemClock()
        func wait(_ milliseconds: Int64, until isDone: () -> Bool) {
            let end = clock.monotonic() + milliseconds * 1_000_000
            while !isDone(), clock.monotonic() < end { usleep(1000) }
        }
        let timer = try KillTimer(signal: SIGWINCH)
        try timer.arm(at: clock.boot() + 20_000_000)
        try timer.arm(at: .never)
        wait(60) { arrivals.load(ordering: .relaxed) > 0 }
        #expect(arrivals.load(ordering: .relaxed) == 0, "it was disarmed")
        let deadline = clock.boot() + 20_000_000
        for _ in 0..<100 { try timer.arm(at: deadline) }
        wait(10_000) { arrivals.load(ordering: .relaxed) > 0 }
        #expect(arrivals.load(ordering: .relaxed) == 1 && clock.boot() >= deadline)
        // What is past already comes at once.
        try timer.arm(at: deadline)
        wait(10_000) { arrivals.load(ordering: .relaxed) > 1 }
        #expect(arrivals.load(ordering: .relaxed) == 2)
    }
}

private let arrivals = Atomic<Int>(0)
