import Testing

@testable import HostPolicy

/// What `sandbox_limit` says of paths, and of what they lead to.
@Suite struct BoundedPathsTests {
    /// Where paths lead that are there: `/srv/out/way` is a link out of the limit, `/link` one into it.
    private static func find(_ path: String) -> String? {
        switch path {
        case "/", "/srv", "/srv/out", "/srv/out/a", "/etc", "/data", "/database": path
        case "/srv/out/way", "/srv/out/way/": "/etc"
        case "/link", "/link/a": path == "/link" ? "/srv/out" : "/srv/out/a"
        default: nil
        }
    }

    @Test(
        arguments: [
            ("/", "/"), ("//", "/"), ("/data/", "/data"), ("//data//a/./b/", "/data/a/b"), ("/data/../etc", "/etc"),
            ("/../..", "/"), ("/a/b/../../c", "/c"), ("/...", "/..."), ("/.a/b..", "/.a/b.."), ("/a/.", "/a"),
            ("/a/..", "/"), ("data", nil),
            ("", nil),
        ] as [(String, String?)]) func `a path has one normal form`(path: String, normal: String?)
    {
        #expect(PlainPath.normal(path) == normal)
        #expect(PlainPath.isNormal(path) == (path == normal))
    }

    @Test(arguments: [
        ("/data", "/data", true), ("/data/a", "/data", true), ("/database", "/data", false), ("/data", "/", true),
        ("/dat", "/data", false), ("/", "/data", false),
    ]) func `beneath is meant part by part`(path: String, folder: String, expected: Bool) {
        #expect(PlainPath.isBeneath(path, folder) == expected)
    }

    @Test(
        arguments: [
            ("/srv/out/a", "/srv/out/a"), ("/srv/out/new/x", "/srv/out/new/x"), ("/link/new", "/srv/out/new"),
            ("/srv/out/way/new", "/etc/new"), ("/srv/none/../x", nil), ("relative", nil), ("/none", "/none"),
        ] as [(String, String?)]) func `a path leads somewhere before its end is there`(path: String, place: String?)
    {
        #expect(PlainPath.leading(path, find: Self.find) == place)
    }

    private static func bounded(_ paths: [String], by folders: [String]) -> SandboxSettings {
        var settings = SandboxSettings(level: .on)
        settings.write = paths
        settings.read = .only(paths)
        settings.execute = .only(paths)
        for path in paths {
            for use in [BoundedPaths.Use.read, .write, .execute, .named] {
                settings.bounds.bound(path, for: use, by: folders)
            }
        }
        return settings
    }

    /// What the lists of a configuration give on a host with nothing of its own there.
    private static func lead(_ settings: SandboxSettings) -> (
        settings: SandboxSettings, exact: Set<String>, refused: [RefusedPath]
    ) {
        ListedPaths(hidden: [], plugins: "/p", home: nil).resolve(settings) { path in
            find(path).map { NamedPaths.Found($0, isFolder: true) }
        }
    }

    @Test func `what leads beyond the limit by a link is left out and told, and so is what is not there`() {
        let settings = Self.bounded(["/srv/out/a", "/srv/out/way", "/srv/out/none"], by: ["/srv/out/"])
        let (leading, exact, refused) = Self.lead(settings)
        #expect(leading.write == ["/srv/out/a"] && leading.read == .only(["/srv/out/a"]))
        #expect(leading.execute == .only(["/srv/out/a"]) && exact == ["/srv/out/a"])
        let beyond = refused.filter { $0.reason == .beyondLimit }
        #expect(beyond.map(\.path) == ["/srv/out/way", "/srv/out/way", "/srv/out/way"])
        #expect(Set(beyond.map(\.use)) == [.read, .write, .execute])
        let missing = RefusedPath(use: .write, path: "/srv/out/none", reason: .missing)
        #expect(refused.filter { $0.reason != .beyondLimit } == [missing])
        #expect(
            refused.first?.line
                == "/srv/out/way (sandbox.read) leads beyond what sandbox_limit allows, and gives nothing: give it in plugins {} "
                + "of schedhost.json5, or widen the limit there")
    }

    @Test func `a limit may be a link itself`() {
        let (leading, exact, refused) = Self.lead(Self.bounded(["/link/a"], by: ["/link"]))
        #expect(leading.write == ["/srv/out/a"] && exact == ["/srv/out/a"] && refused.isEmpty)
    }

    @Test func `the rules of what was followed already are exact`() {
        var places = SandboxPolicy.Places()
        let (settings, exact, _) = Self.lead(Self.bounded(["/srv/out/a"], by: ["/srv"]))
        places.exact = exact
        places.named = [.file("/tmp/x"), .beneath("/tmp/y")]
        places.own = ["/own"]
        let policy = SandboxPolicy(settings, places, on: .wanted)
        #expect(
            Set(policy.paths.filter { $0.isExact }.map(\.path)) == ["/srv/out/a", "/tmp/x", "/tmp/y"])
        #expect(policy != SandboxPolicy(settings, SandboxPolicy.Places(), on: .wanted))
    }

    @Test func `a named path gives no more than is within its bounds`() {
        let settings = Self.bounded(["/data/x/y/new", "/data/x/z", "/database/x"], by: ["/data/x/y", "/data/x/z"])
        let there: Set = ["/", "/data", "/data/x", "/data/x/z", "/database"]
        let named = NamedPaths(hidden: [], home: nil)
        // For what is not there its folder would be given, which is more than the limit.
        let (grants, beyond) = named.grants(
            for: ["/data/x/y/new", "/data/x/z", "/database/x"], within: settings.bounds
        ) { there.contains($0) ? NamedPaths.Found($0, isFolder: true) : nil }
        #expect(grants == [.beneath("/data/x/z")])
        #expect(beyond.map(\.path) == ["/data/x/y/new", "/database/x"] && beyond.allSatisfy { $0.use == .named })
        #expect(beyond.first?.line.contains("(a parameter)") == true)
    }

    @Test func `a worker that plugins share has a path without a bound if one of them has`() {
        var shared = WorkerLimits(sandbox: Self.bounded([], by: []))
        var first = SandboxSettings(level: .on)
        first.named = ["/srv/out/a", "/srv/out/b"]
        for path in first.named { first.bounds.bound(path, for: .named, by: ["/srv"]) }
        var second = SandboxSettings(level: .on)
        second.named = ["/srv/out/a", "/srv/out/c"]
        second.bounds.bound("/srv/out/c", for: .named, by: ["/srv/out"])
        shared = shared.naming(first)
        #expect(shared.sandbox.bounds.bounds(of: "/srv/out/a", for: .named) == ["/srv"])
        #expect(
            shared.fit(for: WorkerLimits(sandbox: Self.bounded([], by: [])).naming(second), isShared: true)
                == .lacksPaths)
        shared = shared.naming(second)
        #expect(shared.sandbox.named == ["/srv/out/a", "/srv/out/b", "/srv/out/c"])
        #expect(shared.sandbox.bounds.bounds(of: "/srv/out/a", for: .named) == nil)
        #expect(shared.sandbox.bounds.bounds(of: "/srv/out/c", for: .named) == ["/srv/out"])
        #expect(shared.naming(first) == shared)
        #expect(shared.fit(for: WorkerLimits(sandbox: Self.bounded([], by: [])).naming(first), isShared: true) == .good)
    }
}
