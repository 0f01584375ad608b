import Glibc
import HostSystem
import HostValues
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

    @Test func theTimerKillsWhateverTheProcessDoes() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let timer = try KillTimer()
            let deadline = SystemClock().boot() + 20_000_000
            while true { try timer.arm(at: deadline) }
        }
    }

    @Test func aDisarmedTimerDoesNot() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let timer = try KillTimer()
            try timer.arm(at: SystemClock().boot() + 20_000_000)
            try timer.arm(at: .never)
            usleep(50_000)
            try timer.arm(at: .never)
            exit(0)
        }
    }
}
