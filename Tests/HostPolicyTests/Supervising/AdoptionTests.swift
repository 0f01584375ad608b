import HostPolicy
import HostTestKit
import HostValues
import Testing

/// Who is killed of those that became the host's children, and who is left alone.
struct AdoptionTests {
    private let alone = Adoption(isFirstProcess: false, inherited: [])

    @Test func `without anybody else, all that is adopted comes from workers`() {
        #expect(alone.fate(of: 7, isMarked: true, gainsNoPrivileges: nil) == .kill)
        #expect(
            alone.fate(of: 7, isMarked: false, gainsNoPrivileges: nil) == .kill, "it has thrown away its environment")
        #expect(alone.fate(of: 7, isMarked: nil, gainsNoPrivileges: nil) == .kill, "there is no /proc")
    }

    @Test func `what the program inherited is never killed`() {
        let adoption = Adoption(isFirstProcess: false, inherited: [7])
        #expect(adoption.fate(of: 7, isMarked: false, gainsNoPrivileges: nil) == .leave)
        #expect(
            adoption.fate(of: 7, isMarked: true, gainsNoPrivileges: nil) == .leave,
            "a host that a plugin of another host started")
        #expect(
            adoption.fate(of: 8, isMarked: false, gainsNoPrivileges: nil) == .leave,
            "a child of the inherited one, which has ended")
        #expect(adoption.fate(of: 8, isMarked: true, gainsNoPrivileges: nil) == .kill)
    }

    @Test func `the first process of a container adopts what others started in it`() {
        let adoption = Adoption(isFirstProcess: true, inherited: [])
        #expect(adoption.fate(of: 9, isMarked: false, gainsNoPrivileges: nil) == .leave)
        #expect(adoption.fate(of: 9, isMarked: nil, gainsNoPrivileges: nil) == .leave)
        #expect(adoption.fate(of: 9, isMarked: true, gainsNoPrivileges: nil) == .kill)
    }

    @Test func `after a hook has run, only what is marked is a worker's`() {
        var adoption = alone
        adoption.hookHasRun()
        #expect(adoption.fate(of: 9, isMarked: false, gainsNoPrivileges: nil) == .leave)
        #expect(adoption.fate(of: 9, isMarked: true, gainsNoPrivileges: nil) == .kill)
    }

    @Test func `who can gain no privileges although the host can is a worker's, whatever its environment`() {
        for isFirst in [true, false] {
            var adoption = Adoption(isFirstProcess: isFirst, inherited: [7], gainsNoPrivileges: false)
            adoption.hookHasRun()
            #expect(adoption.fate(of: 9, isMarked: false, gainsNoPrivileges: true) == .kill)
            #expect(adoption.fate(of: 9, isMarked: nil, gainsNoPrivileges: true) == .kill)
            #expect(adoption.fate(of: 9, isMarked: false, gainsNoPrivileges: false) == .leave)
            #expect(adoption.fate(of: 9, isMarked: false, gainsNoPrivileges: nil) == .leave)
            #expect(adoption.fate(of: 7, isMarked: false, gainsNoPrivileges: true) == .leave, "inherited")
        }
        var confined = Adoption(isFirstProcess: false, inherited: [], gainsNoPrivileges: true)
        confined.hookHasRun()
        #expect(confined.fate(of: 9, isMarked: false, gainsNoPrivileges: true) == .leave, "so has all else")
        #expect(confined.fate(of: 9, isMarked: true, gainsNoPrivileges: true) == .kill)
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
