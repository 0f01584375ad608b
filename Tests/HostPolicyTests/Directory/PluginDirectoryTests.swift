import HostInspection
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

@Suite struct PluginDirectoryTests {
    private static let stamps: [PluginDirectory.Stamp] = {
        // Two files that differ, from the only place that makes a status.
        guard let root = try? Directory("/"), let one = try? root.status("proc"), let two = try? root.status("etc")
        else {
            return []
        }
        return [
            PluginDirectory.Stamp(file: one, directory: one), PluginDirectory.Stamp(file: two, directory: one),
            PluginDirectory.Stamp(file: one, directory: two),
        ]
    }()

    /// Takes sights of one file one after the other, 1 ms apart; returns what follows of the last one.
    private func follow(_ sights: [PluginDirectory.Finding], isPatient: Bool = true) -> PluginDirectory.Action {
        var directory = PluginDirectory()
        var action = PluginDirectory.Action.none
        for (index, finding) in sights.enumerated() {
            action = directory.take(
                "a.so", finding, stamp: nil, isPatient: isPatient, at: .ns(Int64(index) * 1_000_000))
        }
        return action
    }

    @Test(
        arguments: [
            ([.plugin(content: "1")], .add),
            ([.plugin(content: "1"), .plugin(content: "1")], .retry),
            ([.plugin(content: "1"), .plugin(content: "2")], .replace),
            ([.plugin(content: "1"), .plugin(content: "2"), .plugin(content: "1")], .replace),
            ([.plugin(content: "1"), .absent], .remove),
            ([.plugin(content: "1"), .absent, .absent], .none),
            ([.plugin(content: "1"), .absent, .plugin(content: "1")], .add),
            ([.plugin(content: "1"), .busy], .none),
            ([.plugin(content: "1"), .busy, .plugin(content: "1")], .retry),
            ([.plugin(content: "1"), .busy, .plugin(content: "2")], .replace),
            ([.plugin(content: "1"), .busy, .absent], .remove),
            ([.plugin(content: "1"), .incomplete(why: "w")], .none),
            ([.plugin(content: "1"), .incomplete(why: "w"), .plugin(content: "2")], .replace),
            ([.plugin(content: "1"), .refused(why: "w")], .withdraw(why: "w")),
            ([.plugin(content: "1"), .refused(why: "w"), .refused(why: "w")], .none),
            ([.plugin(content: "1"), .refused(why: "w"), .plugin(content: "1")], .add),
            ([.refused(why: "w")], .refuse(why: "w")),
            ([.refused(why: "w"), .refused(why: "w")], .none),
            ([.refused(why: "w"), .refused(why: "v")], .refuse(why: "v")),
            ([.refused(why: "w"), .absent], .none),
            ([.refused(why: "w"), .absent, .refused(why: "w")], .refuse(why: "w")),
            ([.refused(why: "w"), .plugin(content: "1")], .add),
            ([.refused(why: "w"), .incomplete(why: "w")], .none),
            ([.incomplete(why: "w"), .plugin(content: "1")], .add),
            ([.incomplete(why: "w"), .absent], .none),
            ([.busy], .none),
            ([.busy, .plugin(content: "1")], .add),
            ([.absent], .none),
            ([.unclear(why: "w")], .refuse(why: "w")),
            ([.unclear(why: "w"), .unclear(why: "w")], .none),
            ([.unclear(why: "w"), .unclear(why: "v")], .refuse(why: "v")),
            ([.unclear(why: "w"), .plugin(content: "1")], .add),
            ([.plugin(content: "1"), .unclear(why: "w")], .refuse(why: "w")),
            ([.plugin(content: "1"), .unclear(why: "w"), .plugin(content: "1")], .retry),
            ([.plugin(content: "1"), .unclear(why: "w"), .plugin(content: "2")], .replace),
            ([.plugin(content: "1"), .unclear(why: "w"), .absent], .remove),
        ] as [([PluginDirectory.Finding], PluginDirectory.Action)])
    func `what follows a sequence of looks`(sights: [PluginDirectory.Finding], action: PluginDirectory.Action) {
        #expect(follow(sights) == action)
    }

    @Test func `an incomplete file is refused once its patience is over, and not before`() {
        var directory = PluginDirectory()
        #expect(directory.take("a.so", .incomplete(why: "w"), stamp: nil, isPatient: true, at: 5) == .none)
        #expect(directory.deadline == .ns(5 + PluginDirectory.patience))
        #expect(directory.expire(at: directory.deadline - 1).isEmpty)
        let due = directory.expire(at: directory.deadline)
        #expect(due.map(\.name) == ["a.so"])
        #expect(due.map(\.action) == [.refuse(why: "w")])
        #expect(directory.deadline == .never)
        #expect(directory.expire(at: .never).isEmpty)
    }

    @Test func `each event begins the patience anew, and a writer ends it`() {
        var directory = PluginDirectory()
        _ = directory.take("a.so", .plugin(content: "1"), stamp: nil, isPatient: true, at: 0)
        _ = directory.take("a.so", .incomplete(why: "w"), stamp: nil, isPatient: true, at: 0)
        _ = directory.take("a.so", .incomplete(why: "w"), stamp: nil, isPatient: true, at: 700_000_000)
        #expect(directory.deadline == .ns(700_000_000 + PluginDirectory.patience))
        _ = directory.take("a.so", .busy, stamp: nil, isPatient: true, at: 800_000_000)
        #expect(directory.deadline == .never)
        _ = directory.take("a.so", .incomplete(why: "v"), stamp: nil, isPatient: true, at: 900_000_000)
        #expect(directory.expire(at: .never).map(\.action) == [.withdraw(why: "v")])
        #expect(directory.content(of: "a.so") == nil)
    }

    @Test func `without patience an incomplete file is refused at once`() {
        #expect(follow([.incomplete(why: "w")], isPatient: false) == .refuse(why: "w"))
    }

    @Test func `a file with the stamp of the last look is known`() throws {
        try #require(Self.stamps.count == 3)
        var directory = PluginDirectory()
        #expect(directory.take("a.so", .plugin(content: "1"), stamp: Self.stamps[0], isPatient: true, at: 0) == .add)
        #expect(directory.isKnown("a.so", Self.stamps[0]))
        #expect(!directory.isKnown("a.so", Self.stamps[1]), "another file")
        #expect(!directory.isKnown("a.so", Self.stamps[2]), "another directory")
        #expect(!directory.isKnown("b.so", Self.stamps[0]), "another name")
        #expect(directory.take("a.so", .plugin(content: "1"), stamp: Self.stamps[0], isPatient: true, at: 0) == .none)
        #expect(directory.take("a.so", .plugin(content: "1"), stamp: Self.stamps[1], isPatient: true, at: 0) == .retry)
        _ = directory.take("a.so", .busy, stamp: nil, isPatient: true, at: 0)
        #expect(!directory.isKnown("a.so", Self.stamps[1]), "a writer may change it")
    }

    /// Walks at random beside the simplest model: a set of names with what runs of each.
    @Test(arguments: 0..<20) func `what runs is what was last seen whole`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var directory = PluginDirectory()
        var running: [String: String] = [:]
        var seen: [String: PluginDirectory.Finding] = [:]
        var now: MonotonicTime = 0
        func perform(_ action: PluginDirectory.Action, _ name: String) {
            switch action {
            case .none, .refuse, .retry: break
            case .add:
                #expect(running[name] == nil)
                running[name] = directory.content(of: name)
            case .replace:
                #expect(running[name] != nil)
                #expect(running[name] != directory.content(of: name))
                running[name] = directory.content(of: name)
            case .remove, .withdraw:
                #expect(running[name] != nil)
                running[name] = nil
            }
        }
        let sights: [PluginDirectory.Finding] = [
            .absent, .busy, .incomplete(why: "x"), .unclear(why: "z"), .refused(why: "y"), .plugin(content: "1"),
            .plugin(content: "2"),
        ]
        for _ in 0..<2000 {
            now += Int64.random(in: 0...400_000_000, using: &random)
            for (name, action) in directory.expire(at: now) { perform(action, name) }
            let name = "\(Int.random(in: 0..<5, using: &random)).so"
            let finding = sights[Int.random(in: 0..<sights.count, using: &random)]
            perform(directory.take(name, finding, stamp: nil, isPatient: true, at: now), name)
            if ![.busy, .unclear(why: "z")].contains(finding) { seen[name] = finding }
        }
        // In the end all files are whole or gone, or their patience is over.
        for (name, finding) in seen {
            perform(directory.take(name, finding, stamp: nil, isPatient: true, at: now), name)
        }
        for (name, action) in directory.expire(at: .never) { perform(action, name) }
        for (name, finding) in seen {
            if case .plugin(let content) = finding {
                #expect(running[name] == content)
            } else {
                #expect(running[name] == nil)
            }
        }
        // What was seen as incomplete has been refused at the end of its patience.
        let refused: [(name: String, why: String)] = seen.sorted { $0.key < $1.key }.compactMap { name, finding in
            switch finding {
            case .refused(let why), .incomplete(let why): (name, why)
            case .absent, .busy, .unclear, .library, .plugin: nil
            }
        }
        let known = directory.refusals
        #expect(known.map(\.name) == refused.map(\.name) && known.map(\.why) == refused.map(\.why))
    }
}

@Suite struct ContentHashTests {
    private func name(_ pieces: [[UInt8]]) -> String {
        var hash = ContentHash()
        for piece in pieces { unsafe piece.withUnsafeBytes { unsafe hash.take($0) } }
        return hash.name
    }

    @Test func `how the bytes are cut does not matter`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let whole = name([bytes])
        for cut in [1, 3, 7, 8, 9, 500, 999] {
            #expect(name([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
        }
        #expect(name(bytes.map { [$0] }) == whole)
    }

    @Test func `each bit, each length and each place counts`() {
        var names: Set<String> = []
        var count = 0
        for size in 0..<40 {
            names.insert(name([[UInt8](repeating: 0, count: size)]))
            count += 1
            for bit in 0..<size * 8 {
                var bytes = [UInt8](repeating: 0, count: size)
                bytes[bit / 8] ^= 1 << (bit % 8)
                names.insert(name([bytes]))
                count += 1
            }
        }
        #expect(names.count == count)
    }

    @Test func `a text's name stays what it was`() {
        #expect(ContentHash.name(of: "") == "cbf29ce484222325-00000000-0")
        #expect(ContentHash.name(of: "plugin").hasSuffix("-6"))
    }
}
