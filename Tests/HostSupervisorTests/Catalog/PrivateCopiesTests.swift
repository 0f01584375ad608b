import HostSystem
import HostTestKit
import Testing

@testable import HostInspection
@testable import HostSupervisor

/// A file on its way from the directory to its copy: it is opened once, and what is copied is what was opened.
@Suite struct PrivateCopiesTests {
    private let folder = TestDirectory()
    private let state = TestDirectory()

    private func candidate(_ bytes: [UInt8]) throws -> Candidate {
        try folder.write("a.so", bytes)
        return try Candidate(folder.directory(), name: "a.so", allowUnsafePermissions: true)
    }

    private func bytes(_ count: Int, _ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    private static let sizes = [0, 1, 4095, 1 << 20, (1 << 20) + 1, 3 << 20]

    @Test(arguments: sizes) func `the copy is named by its content, and made once`(size: Int) throws {
        let copies = try PrivateCopies(in: state.directory())
        let candidate = try candidate(bytes(size, 7))
        let content = try copies.take(candidate)
        #expect(try copies.take(candidate) == content)
        let copy = try Directory(state.path + "/plugins").openForReading(content + ".so")
        #expect(try copy.readAll(limit: 4 << 20, subject: content) == bytes(size, 7))
        copies.sweep(keeping: [])
        #expect(try Directory(state.path + "/plugins").names().isEmpty)
    }

    /// Whoever writes files of the host's user could put another file in a copy's place, and it would be run.
    @Test(arguments: sizes) func `a copy that is not what its name says is made anew`(size: Int) throws {
        let copies = try PrivateCopies(in: state.directory())
        let candidate = try candidate(bytes(size, 7))
        let name = try copies.take(candidate) + ".so"
        let folder = try Directory(state.path + "/plugins")
        for other in [bytes(size + 1, 7), bytes(max(size, 1), 8), Array(bytes(size, 7).dropLast())]
        where other.count != size || size > 0 {
            try folder.remove(name)
            try folder.create(name).writeAll(other, subject: name)
            #expect(try copies.take(candidate) + ".so" == name)
            #expect(try folder.openForReading(name).readAll(limit: 4 << 20, subject: name) == bytes(size, 7))
        }
    }

    @Test(arguments: sizes) func `a name that leads to another file meanwhile changes nothing`(size: Int) throws {
        let copies = try PrivateCopies(in: state.directory())
        let candidate = try candidate(bytes(size, 7))
        try folder.write("b.so", bytes(size + 1, 8))
        try folder.directory().rename("b.so", to: "a.so")
        let content = try copies.take(candidate)
        let copy = try Directory(state.path + "/plugins").openForReading(content + ".so")
        #expect(try copy.readAll(limit: 4 << 20, subject: content) == bytes(size, 7))
    }

    @Test func `a file that is gone by name is copied, since it is open`() throws {
        let copies = try PrivateCopies(in: state.directory())
        let candidate = try candidate(bytes(100, 7))
        try folder.directory().remove("a.so")
        #expect(throws: Never.self) { _ = try copies.take(candidate) }
    }

    @Test(arguments: sizes) func `a file that has grown since it was opened is not taken`(size: Int) throws {
        let copies = try PrivateCopies(in: state.directory())
        let candidate = try candidate(bytes(size, 7))
        try folder.directory().openForAppending("a.so").writeAll([1], subject: "a.so")
        #expect(throws: PrivateCopies.Failure.self) { _ = try copies.take(candidate) }
        #expect(try Directory(state.path + "/plugins").names().isEmpty)
    }

    @Test func `a file that somebody writes is told`() throws {
        let candidate = try candidate(bytes(10, 7))
        let before = candidate.hasWriter
        let writer = try folder.directory().openForAppending("a.so")
        // Where leases are not to be had, nothing is known.
        if before != nil { #expect(candidate.hasWriter == true) }
        #expect(try candidate.isUnchanged() == (before == nil))
        try writer.writeAll([], subject: "a.so")
    }
}
