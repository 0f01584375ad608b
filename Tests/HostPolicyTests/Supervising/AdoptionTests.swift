import HostPolicy
import HostTestKit
import HostValues
import Testing

/// Who is killed of those that became the host's children, and who is left alone.
struct AdoptionTests {
    private let alone = Adoption(isFirstProcess: false, inherited: [])

    @Test func `without anybody else, all that is adopted comes from workers`() {
        #expect(alone.fate(of: 7, isMarked: true) == .kill)
        #expect(alone.fate(of: 7, isMarked: false) == .kill, "it has thrown away its environment")
        #expect(alone.fate(of: 7, isMarked: nil) == .kill, "there is no /proc")
    }

    @Test func `what the program inherited is never killed`() {
        let adoption = Adoption(isFirstProcess: false, inherited: [7])
        #expect(adoption.fate(of: 7, isMarked: false) == .leave)
        #expect(adoption.fate(of: 7, isMarked: true) == .leave, "a host that a plugin of another host started")
        #expect(adoption.fate(of: 8, isMarked: false) == .leave, "a child of the inherited one, which has ended")
        #expect(adoption.fate(of: 8, isMarked: true) == .kill)
    }

    @Test func `the first process of a container adopts what others started in it`() {
        let adoption = Adoption(isFirstProcess: true, inherited: [])
        #expect(adoption.fate(of: 9, isMarked: false) == .leave)
        #expect(adoption.fate(of: 9, isMarked: nil) == .leave)
        #expect(adoption.fate(of: 9, isMarked: true) == .kill)
    }

    @Test func `after a hook has run, only what is marked is a worker's`() {
        var adoption = alone
        adoption.hookHasRun()
        #expect(adoption.fate(of: 9, isMarked: false) == .leave)
        #expect(adoption.fate(of: 9, isMarked: true) == .kill)
    }

    @Test func `a mark is a whole variable, and no two hosts have the same`() throws {
        let mark = HostMark(pid: 12, number: 77)
        func environment(_ entries: String...) -> [UInt8] { Array(entries.joined(separator: "\0").utf8) + [0] }
        #expect(HostMark.mark(in: environment("A=b", mark.entry, "C=d")) == mark)
        #expect(HostMark.mark(in: environment("A=b", mark.entry + "3")) != mark, "another host")
        #expect(HostMark.mark(in: environment("X" + mark.entry)) == nil)
        #expect(HostMark.mark(in: []) == nil)
        #expect(HostMark(pid: 12, number: 78) != mark && HostMark(mark.text) == mark)
        for text in ["", "a b", "a/b", "\u{e4}", String(repeating: "a", count: 41)] { #expect(HostMark(text) == nil) }
    }
}
