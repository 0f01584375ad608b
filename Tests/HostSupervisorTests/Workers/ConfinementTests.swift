import FoundationEssentials
import Glibc
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// A clock whose wall clock is a second ahead of this machine's, so that no file seems to have changed just now.
private final class LaterClock: HostClock {
    let clock = TestClock()
    func boot() -> BootTime { clock.boot() }
    func monotonic() -> MonotonicTime { clock.monotonic() }
    func wall() -> WallTime { SystemClock().wall() + 1_000_000_000 }
}

/// What workers get to enter their sandboxes: the same for equal policies, and never the rules of another time.
@Suite(.enabled(if: SandboxMaker.support.files != 0 && SandboxMaker.support.hasFilters)) struct ConfinementTests {
    private let root = TestDirectory()
    private let clock = LaterClock()
    private let deadlines = Deadlines()
    private let maker: SandboxMaker

    init() throws {
        for folder in ["plugins", "state", "state/own", "state/other", "beside"] { try Self.make(folder, in: root) }
        for name in ["state/own/file", "state/other/file", "beside/file"] { try Self.write(name, in: root) }
        maker = SandboxMaker(
            hidden: [root.path + "/state"], plugins: root.path + "/plugins", clock: clock, deadlines: deadlines,
            tell: { _ in }
        ) { [] }
    }

    private static func make(_ folder: String, in root: TestDirectory) throws {
        try FileManager.default.createDirectory(
            atPath: root.path + "/" + folder, withIntermediateDirectories: false)
    }

    private static func write(_ name: String, in root: TestDirectory) throws {
        try Data("x".utf8).write(to: URL(filePath: root.path + "/" + name))
    }

    private func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: root.path + "/" + name, toPath: root.path + "/" + other)
    }

    /// A run path is the plugin's own text.
    @Test func `a run path grants the plugin's own folders, and none that it leads to outside of them`() throws {
        for folder in ["plugins/lib", "plugins/lib/deep", "state/plugins", "state/plugins/ab.libraries"] {
            try Self.make(folder, in: root)
        }
        try FileManager.default.createSymbolicLink(
            atPath: root.path + "/plugins/away", withDestinationPath: root.path + "/beside")
        let plugins = root.path + "/plugins"
        let (copies, libraries) = (root.path + "/state/plugins", root.path + "/state/plugins/ab.libraries")
        var search = LibrarySearch()
        search.folders = [
            libraries, plugins + "/lib", plugins + "/lib/../lib/deep", plugins, plugins + "/.", plugins + "/..",
            plugins + "/../state", plugins + "/../beside", plugins + "/../../../../..", plugins + "/away",
            plugins + "/../state/own", plugins + "/missing", copies, "/etc",
        ]
        let real = try #require(HostProcess.resolved(root.path))
        #expect(
            maker.libraryFolders(of: search, copies: copies) == [
                real + "/state/plugins/ab.libraries", real + "/plugins/lib", real + "/plugins/lib/deep",
            ])
        #expect(!maker.libraryFolders(of: search).contains(real + "/state/plugins/ab.libraries"))
        // The state directory may lie within the plugins directory, and stays hidden.
        let within = SandboxMaker(
            hidden: [plugins + "/lib/deep"], plugins: plugins, clock: clock, deadlines: deadlines, tell: { _ in }
        ) { [] }
        #expect(within.libraryFolders(of: search).isEmpty)
    }

    /// Settings that name what may be read: what lies beside the way, as `/tmp`, other tests change at any time.
    private var listed: SandboxSettings {
        var settings = SandboxSettings(level: .on)
        settings.read = .only([root.path + "/beside"])
        return settings
    }

    /// What a worker has when it enters its sandbox.
    private func complete(
        _ settings: SandboxSettings, _ places: SandboxPolicy.Places, by maker: SandboxMaker? = nil
    ) throws -> Confinement {
        let begun = try (maker ?? self.maker).begin(settings, places)
        _ = try begun.complete()
        return begun
    }

    /// For a worker with that folder.
    private func confinement(of folder: String = "state/own", _ settings: SandboxSettings? = nil) throws -> Confinement
    {
        let settings = settings ?? listed
        // So that the hidden paths are looked up anew.
        clock.clock.advance(seconds: 1)
        var places = SandboxPolicy.Places()
        places.own = [root.path + "/" + folder]
        return try complete(settings, places)
    }

    /// Those of the files that a thread can read in the sandbox.
    private func readable(
        _ names: [String] = ["state/own/file", "state/other/file", "beside/file"], in confinement: Confinement
    ) throws -> [String] {
        let pipe = try DescriptorPair.pipe()
        let end = pipe.second.raw
        let policy = try confinement.policy.descriptor.readAll(limit: 65_536, subject: "policy")
        let paths = names.map { root.path + "/" + $0 }
        let ruleset = try #require(confinement.ruleset)
        try HostSystem.Thread.start(name: "confined") {
            HostProcess.gainNoPrivileges()
            var answer: [UInt8] = [1]
            do {
                try Sandbox.apply(policy, ruleset: ruleset.descriptor.raw)
                for path in paths {
                    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
                    answer.append(file < 0 ? 0 : 1)
                    if file >= 0 { close(file) }
                }
            } catch {
                answer = [0]
            }
            _ = unsafe answer.withUnsafeBytes { unsafe Glibc.write(end, $0.baseAddress, $0.count) }
        }
        var answer: [UInt8] = Array(repeating: 0, count: names.count + 1)
        let count = try unsafe answer.withUnsafeMutableBytes { try unsafe pipe.first.read(into: $0) }
        try #require(count == answer.count && answer[0] == 1, "the sandbox was entered")
        return zip(names, answer.dropFirst()).filter { $1 == 1 }.map(\.0)
    }

    @Test func `a worker with the same policy as one before gets its ruleset, and another one its own`() throws {
        let first = try confinement()
        #expect(try readable(in: first) == ["state/own/file", "beside/file"])
        #expect(try confinement().ruleset === first.ruleset)
        let other = try confinement(of: "state/other")
        #expect(other.ruleset !== first.ruleset && other.policy === first.policy)
        #expect(try readable(in: other) == ["state/other/file", "beside/file"])
        #expect(try confinement().ruleset === first.ruleset, "the other one is kept beside it")
        #expect(try readable(in: first) == ["state/own/file", "beside/file"])
    }

    @Test func `a folder that was made anew gets new rules, and the former one's give nothing of it`() throws {
        let first = try confinement()
        try move("state/own", to: "state/former")
        try Self.make("state/own", in: root)
        try Self.write("state/own/file", in: root)
        let second = try confinement()
        #expect(second.ruleset !== first.ruleset)
        #expect(try readable(in: second) == ["state/own/file", "beside/file"])
        #expect(try readable(["state/own/file", "state/former/file"], in: first) == ["state/former/file"])
        // An inode that was freed may come again at once, but not while there is a rule for it.
        for _ in 0..<4 {
            let before = try confinement()
            try FileManager.default.removeItem(atPath: root.path + "/state/own")
            try Self.make("state/own", in: root)
            try Self.write("state/own/file", in: root)
            let after = try confinement()
            #expect(after.ruleset !== before.ruleset)
            #expect(try readable(["state/own/file"], in: after) == ["state/own/file"])
        }
    }

    @Test func `what is put beside the way, or in the place of something there, is seen by the next worker`() throws {
        let all = SandboxSettings(level: .on)
        let first = try confinement(all)
        try Self.write("new", in: root)
        #expect(try readable(["new"], in: first).isEmpty)
        let second = try confinement(all)
        #expect(second.ruleset !== first.ruleset)
        #expect(try readable(["new"], in: second) == ["new"])
        try Self.make("next", in: root)
        try Self.write("next/file", in: root)
        try move("beside", to: "gone")
        try move("next", to: "beside")
        let third = try confinement(all)
        #expect(third.ruleset !== second.ruleset)
        #expect(try readable(in: third) == ["state/own/file", "beside/file"])
        // What has become the host's own is that for the next worker.
        try move("beside", to: "state/other/mine")
        try move("gone", to: "state/other/hidden")
        let fourth = try confinement(all)
        #expect(try readable(["state/other/hidden/file", "state/other/mine/file", "new"], in: fourth) == ["new"])
    }

    @Test func `a program is readable where its neighbours are, and also beneath a hidden path`() throws {
        for program in ["beside/file", "state/other/file"] {
            var places = SandboxPolicy.Places()
            places.program = root.path + "/" + program
            places.backtracer = root.path + "/" + program
            let confinement = try complete(SandboxSettings(level: .on), places)
            let expected = ["state/other/file", "beside/file"].filter { $0 == program || $0 == "beside/file" }
            #expect(try readable(in: confinement) == expected)
        }
    }

    @Test func `as long as nothing changes beside the way, what lies there is looked at once`() throws {
        let all = SandboxSettings(level: .on)
        // Other tests change `/tmp` now and then, but not all the time.
        let isShared = try (0..<1000).contains { _ in try confinement(all).ruleset === confinement(all).ruleset }
        #expect(isShared)
        #expect(try readable(in: confinement(all)) == ["state/own/file", "beside/file"])
    }

    @Test func `a configuration hides a file at once when a change is reported, else within a second`() throws {
        final class Reported { var changes = 0 }
        let reported = Reported()
        let maker = SandboxMaker(
            hidden: [root.path + "/state"], plugins: root.path + "/plugins", clock: clock, deadlines: deadlines,
            tell: { _ in }, changes: { reported.changes }
        ) { [] }
        try Self.make("second", in: root)
        try Self.write("second/file", in: root)
        func seen() throws -> [String] {
            var settings = listed
            settings.read = .only([root.path + "/beside", root.path + "/second"])
            return try readable(
                ["beside/file", "second/file"], in: complete(settings, SandboxPolicy.Places(), by: maker))
        }
        func hide(_ folder: String) throws {
            try FileManager.default.createSymbolicLink(
                atPath: root.path + "/plugins/\(folder).json5", withDestinationPath: "../\(folder)/file")
        }
        #expect(try seen() == ["beside/file", "second/file"])
        try hide("beside")
        reported.changes += 1
        #expect(try seen() == ["second/file"])
        try hide("second")
        clock.clock.advance(seconds: 1)
        #expect(try seen().isEmpty)
    }

    /// An empty file of the host's user may be in another program's way.
    @Test func `a file that is created for a parameter is told, once, and one that was there is not`() throws {
        final class Told { var lines: [String] = [] }
        let told = Told()
        let maker = SandboxMaker(
            hidden: [root.path + "/state"], plugins: root.path + "/plugins", clock: clock, deadlines: deadlines,
            tell: { told.lines.append($0) }
        ) { [] }
        var settings = listed
        settings.named = [root.path + "/app.log"]
        for _ in 0..<2 {
            _ = try complete(settings, SandboxPolicy.Places(), by: maker)
            #expect(
                told.lines == [
                    "\(root.path)/app.log (a parameter) was not there: created, empty, so that the plugin may write it; "
                        + "if another program writes it, make that program its owner"
                ])
        }
        #expect(try Data(contentsOf: URL(filePath: root.path + "/app.log")).isEmpty)
    }

    @Test func `rules are kept for a second after the last worker has begun`() throws {
        weak let first = try confinement().ruleset
        for _ in 0..<3 {
            deadlines.run(clock.clock, for: 800_000_000)
            #expect(try first != nil && confinement().ruleset === first)
        }
        deadlines.run(clock.clock, for: 1_000_000_000)
        #expect(first == nil)
        #expect(deadlines.earliest == .never, "nothing is woken for after that")
    }

    @Test func `lists, ports and programs are part of what is compared`() throws {
        let first = try confinement()
        var settings = listed
        settings.read = .only([])
        let narrow = try confinement(settings)
        #expect(narrow.ruleset !== first.ruleset && narrow.policy === first.policy)
        #expect(try readable(in: narrow) == ["state/own/file"])
        settings = listed
        settings.connect = .only([443])
        let ported = try confinement(settings)
        #expect(ported.ruleset !== first.ruleset && ported.policy === first.policy)
        #expect(try confinement(settings).ruleset === ported.ruleset)
        settings.udp = false
        let filtered = try confinement(settings)
        #expect(filtered.ruleset !== ported.ruleset && filtered.policy !== ported.policy)
    }

    @Test func `a path that leads elsewhere in each process gives a ruleset for one worker only, which has its rule`()
        throws
    {
        var settings = listed
        settings.read = .only(["/proc/self/status"])
        let first = try confinement(settings)
        let second = try confinement(settings)
        #expect(first.ruleset !== second.ruleset && first.policy === second.policy)
        // To read a file, and to list a folder.
        let rule = OwnRule(path: "/proc/self/status", rights: 4 | 8)
        let third = try maker.begin(settings, SandboxPolicy.Places())
        #expect(try third.complete() == .confine([rule]))
        #expect(try begun().complete() == .confine([]))
    }

    /// What a worker with that folder inherits.
    private func begun(of folder: String = "state/own") throws -> Confinement {
        clock.clock.advance(seconds: 1)
        var places = SandboxPolicy.Places()
        places.own = [root.path + "/" + folder]
        return try maker.begin(listed, places)
    }

    @Test func `a sandbox that was begun permits nothing until it is complete`() throws {
        let begun = try begun()
        #expect(try readable(in: begun).isEmpty)
        #expect(try begun.complete() == .confine([]))
        #expect(try readable(in: begun) == ["state/own/file", "beside/file"])
        #expect(try confinement().ruleset === begun.ruleset)
    }

    @Test func `the next worker of the same wish begins with all rules, while these are right`() throws {
        let first = try begun()
        #expect(try begun().ruleset !== first.ruleset, "what is not complete is not kept")
        _ = try first.complete()
        let second = try begun()
        #expect(second.ruleset === first.ruleset && second.policy === first.policy)
        #expect(try readable(in: second) == ["state/own/file", "beside/file"])
        #expect(try second.complete() == .confine([]))
        #expect(try begun(of: "state/other").ruleset !== first.ruleset)
        try move("state/own", to: "state/former")
        try Self.make("state/own", in: root)
        try Self.write("state/own/file", in: root)
        let third = try begun()
        #expect(third.ruleset !== first.ruleset)
        #expect(try third.complete() == .confine([]))
        #expect(try readable(["state/own/file", "state/former/file"], in: third) == ["state/own/file"])
    }

    @Test func `a sandbox that cannot be completed is not kept`() throws {
        var places = SandboxPolicy.Places()
        places.code = (0...SandboxPolicy.mostRules).map { "/lib/\($0).so" }
        let first = try maker.begin(listed, places)
        #expect(throws: SystemError.self) { try first.complete() }
        #expect(try maker.begin(listed, places).ruleset !== first.ruleset)
        #expect(try readable(in: first).isEmpty)
    }
}

/// What paths lead to, component by component.
@Suite struct PathLooksTests {
    @Test func `a path is found as the kernel finds it`() throws {
        let root = TestDirectory()
        let path = try #require(HostProcess.resolved(root.path))
        let files = FileManager.default
        try files.createDirectory(atPath: path + "/a/b", withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: path + "/a/b/file"))
        try files.createSymbolicLink(atPath: path + "/link", withDestinationPath: "a/b")
        try files.createSymbolicLink(atPath: path + "/a/up", withDestinationPath: "../link/file")
        try files.createSymbolicLink(atPath: path + "/round", withDestinationPath: "round")
        let looks = PathLooks()
        for name in [
            "", "/", "/a", "/a/", "/a/b/file", "/a/b/file/", "/a/b/file/x", "/link", "/link/file", "/link/../b",
            "/a/up",
            "/a//b", "/a/./b/file", "/none", "/none/x", "/round", "/round/x", "/link/none",
        ] {
            let found = looks.look(path + name)
            #expect(found?.path == HostProcess.resolved(path + name), "\(name)")
            #expect(found?.isFolder == found.map { (try? Directory($0.path)) != nil }, "\(name)")
        }
        #expect(looks.look("/")?.path == "/" && looks.look("/usr")?.path == "/usr" && looks.look("")?.path == nil)
    }
}
