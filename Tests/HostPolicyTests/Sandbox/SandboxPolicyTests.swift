import Testing

@testable import HostPolicy

extension SandboxPolicy {
    /// All rules for paths.
    var paths: [PathRule] { rules + rules(visible: visible) }
}

/// What a worker may touch, as a value.
@Suite struct SandboxPolicyTests {
    private static let places: SandboxPolicy.Places = {
        var places = SandboxPolicy.Places()
        places.own = ["/s/cache/v1/p", "/s/data/p"]
        places.code = ["/s/plugins/c.so"]
        places.backtracer = "/opt/backtrace"
        places.program = "/opt/schedhost"
        places.visible = ["/usr", "/home/me/x"]
        return places
    }()

    private func rights(_ path: String, in policy: SandboxPolicy) -> FileRights {
        policy.paths.filter { $0.path == path }.reduce(into: []) { $0.formUnion($1.rights) }
    }

    @Test func `its own is its own, the rest may be read`() {
        let policy = SandboxPolicy(SandboxSettings(level: .on), Self.places, on: .wanted)
        let own = rights("/s/data/p", in: policy)
        #expect(own.contains(.writeFile) && own.contains(.truncate) && !own.contains(.makeBlockDevice))
        #expect(rights("/usr", in: policy) == [.readFile, .readFolder, .execute])
        #expect(rights("/s/plugins/c.so", in: policy) == [.readFile, .readFolder, .execute])
        #expect(rights("/opt/backtrace", in: policy) == [.readFile, .execute])
        #expect(rights("/opt/schedhost", in: policy) == .readFile)
        #expect(rights("/dev/null", in: policy).contains(.writeFile))
        #expect(policy.paths.allSatisfy { !$0.rights.contains(.ioctlDevice) })
    }

    @Test func `lists take the place of all`() {
        var settings = SandboxSettings(level: .on)
        settings.read = .only(["/var/log/app"])
        settings.write = ["/srv/out"]
        settings.execute = .only(["/usr/bin/git"])
        settings.connect = .only([443])
        settings.bind = [9100]
        let policy = SandboxPolicy(settings, Self.places, on: .wanted)
        #expect(rights("/home/me/x", in: policy) == [])
        #expect(rights("/usr", in: policy) == [.readFile, .readFolder])
        #expect(rights("/usr/bin/git", in: policy) == [.readFile, .execute])
        #expect(rights("/var/log/app", in: policy) == [.readFile, .readFolder])
        #expect(rights("/srv/out", in: policy).contains(.writeFile))
        #expect(policy.ports.map(\.port) == [443, 9100] && policy.ports.map(\.rights) == [2, 1])
        #expect(policy.handled.ports == 3)
        #expect(SandboxPolicy(SandboxSettings(level: .on), Self.places, on: .wanted).handled.ports == 1)
    }

    @Test func `of what programs need, only what lies beside the host's own is read where that is in it`() {
        var settings = SandboxSettings(level: .on)
        settings.read = .only([])
        var places = Self.places
        places.hidden = ["/opt/host/state", "/srv/p"]
        places.visible = ["/opt/other", "/opt/host/x", "/home/me/x"]
        #expect(places.hasHiddenBasics)
        let policy = SandboxPolicy(settings, places, on: .wanted)
        #expect(rights("/opt", in: policy) == [] && rights("/home/me/x", in: policy) == [])
        #expect(rights("/opt/other", in: policy).contains(.readFile) && rights("/usr", in: policy).contains(.readFile))
        places.hidden = ["/srv/p", "/optional"]
        #expect(!places.hasHiddenBasics)
    }

    @Test func `a kernel without Landlock gets no rules, and an older one no rights that it lacks`() {
        let none = SandboxPolicy(SandboxSettings(level: .on), Self.places, on: SandboxSupport())
        #expect(none.paths.isEmpty && none.handled.isNothing && none.filter != nil)
        let old = SandboxPolicy(
            SandboxSettings(level: .on), Self.places, on: SandboxSupport(abi: 1, files: 0x1FFF))
        #expect(old.handled.files == 0x1FFF && old.paths.allSatisfy { $0.rights.rawValue & ~0x1FFF == 0 })
        #expect(SandboxSupport.wanted.missing.isEmpty && SandboxSupport.wanted.warning == nil)
        #expect(SandboxSupport(abi: 1, files: 0x1FFF).missing == ["truncation", "devices", "TCP ports", "signals"])
        #expect(SandboxSupport().warning?.contains("no Landlock") == true)
    }

    @Test func `its bytes have whole words`() throws {
        let policy = SandboxPolicy(SandboxSettings(level: .on), Self.places, on: .wanted)
        let filter = try #require(policy.filter)
        #expect(policy.bytes == SandboxPolicy.bytes(filter) && policy.bytes.count % 8 == 0)
        #expect(policy.bytes[4..<12].elementsEqual([UInt8(filter.ownProcessSlots.count), 0, 0, 0, 0, 0, 0, 0]))
        let watched = SandboxPolicy(watching: SandboxSettings(level: .on))
        #expect(watched.bytes[8..<12].elementsEqual([1, 0, 0, 0]) && watched.handled.isNothing)
        #expect(SandboxPolicy.bytes(nil) == Array(repeating: 0, count: 16))
    }

    @Test func `what is handled depends on no path`() {
        var settings = SandboxSettings(level: .on)
        for connect in [SandboxSettings.Selection<UInt16>.any, .only([443]), .only([])] {
            settings.connect = connect
            let handled = SandboxPolicy.Handled(settings, on: .wanted)
            #expect(SandboxPolicy(settings, Self.places, on: .wanted).handled == handled && !handled.isNothing)
            #expect(SandboxPolicy.Handled(settings, on: SandboxSupport()).isNothing)
        }
    }

    @Test func `workers whose calls are to be filtered alike share a filter`() {
        var settings = SandboxSettings(level: .on)
        let plain = SandboxPolicy.filter(settings, on: .wanted)
        settings.named = ["/tmp/x"]
        settings.write = ["/srv"]
        settings.environment = ["X"]
        settings.connect = .only([443])
        #expect(settings.ofCalls == SandboxSettings(level: .on).ofCalls)
        #expect(SandboxPolicy.filter(settings, on: .wanted) == plain)
        let changes: [(inout SandboxSettings) -> Void] = [
            { $0.syscalls = ["chmod"] }, { $0.udp = false }, { $0.unix = ["/run/x"] }, { $0.bind = [9100] },
        ]
        for change in changes {
            var other = settings
            change(&other)
            #expect(other.ofCalls != settings.ofCalls)
            #expect(SandboxPolicy.filter(other, on: .wanted) == SandboxPolicy.filter(other.ofCalls, on: .wanted))
            #expect(SandboxPolicy.filter(other, on: .wanted) != plain)
        }
        // Without rules for ports, the filter refuses TCP as a whole.
        settings.connect = .only([])
        let old = SandboxSupport(abi: 1, files: 0x1FFF)
        #expect(SandboxPolicy.filter(settings, on: old) == SandboxPolicy.filter(settings.ofCalls, on: old))
        #expect(settings.ofCalls != SandboxSettings(level: .on).ofCalls)
    }
}

/// What lies beside what is hidden.
@Suite struct VisiblePathsTests {
    private func find(
        _ tree: [String: [String]], hiding hidden: Set<String>, plugins: String, libraries: Set<String> = []
    )
        -> [String]
    {
        VisiblePaths.find(hiding: hidden, plugins: VisiblePaths.Plugins(plugins, libraries: libraries)) { folder in
            (tree[folder] ?? []).map { VisiblePaths.Entry($0.replacing("@", with: ""), isLink: $0.hasSuffix("@")) }
        }
        .paths
    }

    @Test func `neighbours on each level are visible, links and what is hidden are not`() {
        let tree = [
            "/": ["usr", "bin@", "home"], "/home": ["me", "you"],
            "/home/me": ["state", "docs", "plugins", "to-state@"],
            "/home/me/plugins": ["a.so", "b.so", "libx.so", "libx.so.1", "a.json5", "schedhost.json5", "data"],
            "/home/me/state": ["sessions.jsonl"],
        ]
        #expect(
            find(tree, hiding: ["/home/me/state"], plugins: "/home/me/plugins", libraries: ["libx.so"]) == [
                "/usr", "/home/me/docs", "/home/me/plugins/libx.so", "/home/me/plugins/libx.so.1",
                "/home/me/plugins/data",
                "/home/you",
            ])
    }

    @Test func `a configuration that links lead to is hidden where it is`() {
        let tree = [
            "/": ["p", "etc", "state"], "/p": ["a.json5@", "..data@", "..1"], "/p/..1": ["a.json5", "b.txt"],
            "/etc": ["schedhost.json5", "hosts"],
        ]
        #expect(
            find(tree, hiding: ["/state", "/p/..1/a.json5", "/etc/schedhost.json5"], plugins: "/p")
                == ["/p/..1/b.txt", "/etc/hosts"])
    }

    @Test func `a crowded folder on the way is hidden, and what lies beyond it is not`() {
        let many = (0..<1100).map { "file\($0)" }
        let found = VisiblePaths.find(hiding: ["/tmp/a/s"], plugins: VisiblePaths.Plugins("/p", libraries: [])) {
            folder in
            let tree = ["/": ["tmp", "usr", "p"], "/tmp": many + ["a"], "/tmp/a": ["s", "x"], "/p": ["y.txt"]]
            return (tree[folder] ?? []).map { VisiblePaths.Entry($0) }
        }
        #expect(found.paths == ["/tmp/a/x", "/usr", "/p/y.txt"] && found.crowded == ["/tmp"])
    }

    @Test func `plugins within the state directory are reached all the same`() {
        let tree = ["/": ["s", "usr"], "/s": ["p", "tally.json"], "/s/p": ["x.so", "x.dat"]]
        #expect(find(tree, hiding: ["/s"], plugins: "/s/p") == ["/usr", "/s/p/x.dat"])
    }

    @Test func `of the devices only the harmless ones are visible`() {
        let tree = [
            "/": ["usr", "dev"], "/dev": ["null", "zero", "urandom", "shm", "pts", "sda", "kmsg", "tty1", "fd@", "x"],
            "/dev/shm": ["s", "mine"],
        ]
        #expect(
            find(tree, hiding: ["/s"], plugins: "/p") == ["/usr", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/shm"])
        #expect(
            find(tree, hiding: ["/dev/shm/s"], plugins: "/p")
                == ["/usr", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/shm/mine"])
    }
}
