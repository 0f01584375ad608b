import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

@Suite struct CommandBacklogTests {
    private static let minute: Int64 = 60_000_000_000

    @Test func `what is not taken is sent later, in order, and nothing is lost`() {
        var backlog = CommandBacklog()
        var taken: [UInt8] = []
        for slot in 0..<10 { backlog.add(.stop(slot: slot)) }
        for room in [0, 7, 20, 100_000] {
            var left = room
            let isWaiting = unsafe backlog.send { (bytes, _) throws(SystemError) in
                if left == 0 { throw SystemError("send", "channel", number: 11) }
                let count = min(left, bytes.count)
                unsafe taken += Array(bytes[..<count])
                left -= count
                return count
            }
            #expect(isWaiting == (room < 100_000))
        }
        let lines: [[UInt8]] = (0..<10).map { WorkerCommand.stop(slot: $0).line() + [10] }
        #expect(taken == Array(lines.joined()))
    }

    @Test func `who takes nothing for a minute of more than a megabyte is hopeless`() {
        var backlog = CommandBacklog()
        func full(_ bytes: UnsafeRawBufferPointer, _: PassedDescriptor?) throws(SystemError) -> Int {
            throw SystemError("send", "channel", number: 11)
        }
        /// What is said at these minutes, after an attempt to send.
        func said(at minutes: [Int64], _ send: (UnsafeRawBufferPointer, PassedDescriptor?) throws(SystemError) -> Int)
            -> [Bool]
        {
            _ = unsafe backlog.send(send)
            return minutes.map { backlog.isHopeless(at: .ns($0 * Self.minute + $0)) }
        }
        for slot in 0..<1000 { backlog.add(.stop(slot: slot)) }
        #expect(unsafe said(at: [0, 10], full) == [false, false])
        for slot in 0..<100_000 { backlog.add(.stop(slot: slot)) }
        #expect(unsafe said(at: [10, 11], full) == [false, true])
        // One byte is a sign of life.
        var isFirst = true
        let signs = unsafe said(at: [12, 13]) { (bytes, _) throws(SystemError) in
            if !isFirst { throw SystemError("send", "channel", number: 11) }
            isFirst = false
            return 1
        }
        #expect(signs == [false, true])
    }

    @Test func `a descriptor that is refused takes its own command with it, and no other`() throws {
        var backlog = CommandBacklog()
        backlog.add(.stop(slot: 1))
        backlog.add(.share(plugin: 2), passing: PassedDescriptor(try Descriptor.memory("one")))
        backlog.add(.stop(slot: 3))
        backlog.add(.share(plugin: 4), passing: PassedDescriptor(try Descriptor.memory("two")))
        backlog.add(.stop(slot: 5))
        var taken: [UInt8] = []
        var refused = 0
        let isWaiting = unsafe backlog.send { (bytes, passed) throws(SystemError) in
            if passed != nil {
                refused += 1
                throw SystemError("sendmsg", "channel", number: 109)  // ETOOMANYREFS
            }
            unsafe taken += Array(bytes)
            return bytes.count
        }
        #expect(!isWaiting && refused == 2)
        let lines: [[UInt8]] = [1, 3, 5].map { WorkerCommand.stop(slot: $0).line() + [10] }
        #expect(taken == Array(lines.joined()))
    }

    @Test func `a descriptor goes with the first byte of its line, however little is taken at once`() throws {
        var backlog = CommandBacklog()
        backlog.add(.stop(slot: 1))
        backlog.add(.share(plugin: 2), passing: PassedDescriptor(try Descriptor.memory("one")))
        backlog.add(.share(plugin: 3), passing: PassedDescriptor(try Descriptor.memory("two")))
        backlog.add(.stop(slot: 4))
        var taken: [UInt8] = []
        var places: [Int] = []
        var room = 0
        while room < 1000 {
            var left = room % 7
            _ = unsafe backlog.send { (bytes, passed) throws(SystemError) in
                if left == 0 { throw SystemError("send", "channel", number: 11) }
                if passed != nil { places.append(taken.count) }
                let count = min(left, bytes.count)
                unsafe taken += Array(bytes[..<count])
                left -= count
                return count
            }
            room += 1
        }
        let lines = [WorkerCommand.stop(slot: 1), .share(plugin: 2), .share(plugin: 3), .stop(slot: 4)]
            .map { $0.line() + [10] }
        #expect(taken == Array(lines.joined()))
        #expect(places == [lines[0].count, lines[0].count + lines[1].count])
    }
}
