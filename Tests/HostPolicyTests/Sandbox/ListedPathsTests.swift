import Testing

@testable import HostPolicy

/// What the lists of a configuration give when a worker starts, without a limit.
@Suite struct ListedPathsTests {
    /// What is there: a plugin that may write `/srv/out` has put the link `sub` into it.
    private static let links = [
        "/srv/out/sub": "/srv/victim", "/srv/out/within": "/srv/out/a", "/bin": "/usr/bin", "/proc/self": "/proc/77",
        "/opt/tool": "/usr/bin/tool", "/home/me/data": "/srv/data",
    ]
    private static let files: Set = [
        "/", "/srv", "/srv/out", "/srv/out/a", "/srv/victim", "/srv/data", "/usr", "/usr/bin", "/usr/bin/tool", "/opt",
        "/proc/77", "/proc/77/oom_score_adj", "/home", "/home/me", "/host", "/host/state", "/host/state/tally.json",
        "/host/p", "/host/p/a.so", "/host/p/b.json5", "/host/p/table.csv", "/run", "/run/secrets", "/run/secrets/key",
        "/tmp",
    ]
    private static let listed = ListedPaths(
        hidden: ["/host/state", "/run/secrets/key"], plugins: "/host/p", home: "/home/me")

    private static func look(_ path: String) -> NamedPaths.Found? {
        var place = ""
        for part in path.split(separator: "/") {
            place += "/" + part
            place = links[place] ?? place
        }
        if place.isEmpty { place = "/" }
        return files.contains(place) ? NamedPaths.Found(place, isFolder: true) : nil
    }

    private static func resolve(_ paths: [String]) -> (
        settings: SandboxSettings, exact: Set<String>, refused: [RefusedPath]
    ) {
        var settings = SandboxSettings(level: .on)
        settings.read = .only(paths)
        settings.write = paths
        settings.execute = .only(paths)
        return listed.resolve(settings, look: look)
    }

    @Test func `each path is resolved, so that the worker follows no link that a plugin has put there since`() {
        let (settings, exact, refused) = Self.resolve(["/srv/out", "/srv/out/within", "/bin/tool", "/srv/none"])
        #expect(settings.write == ["/srv/out", "/srv/out/a", "/usr/bin/tool"])
        #expect(settings.read == .only(settings.write) && settings.execute == .only(settings.write))
        #expect(exact == Set(settings.write))
        #expect(
            refused.map(\.line)
                == ["/srv/none (sandbox.write) is not there, and gives nothing: create it before the plugin starts"])
        var places = SandboxPolicy.Places()
        places.exact = exact
        let rules = SandboxPolicy(settings, places, on: .wanted).paths.filter { $0.path.hasPrefix("/srv") }
        #expect(rules.count == 6 && rules.allSatisfy(\.isExact))
    }

    @Test func `a link that a plugin may have created leads nowhere, and the log tells what to write instead`() {
        let (settings, exact, refused) = Self.resolve(["/srv/out", "/srv/out/sub"])
        #expect(settings.write == ["/srv/out"] && settings.read == .only(["/srv/out"]) && exact == ["/srv/out"])
        #expect(refused.map(\.use) == [.read, .write, .execute])
        #expect(
            refused[1].line
                == "/srv/out/sub (sandbox.write) leads to /srv/victim by a link that a plugin may have created, and gives "
                + "nothing: remove the link, or name /srv/victim itself if the plugin is to use that")
        // No plugin is given the directories of these links as a whole.
        let others = Self.resolve(["/home/me/data", "/opt/tool"])
        #expect(others.settings.write == ["/srv/data", "/usr/bin/tool"] && others.refused.isEmpty)
    }

    @Test(
        arguments: [
            ("/host/state", .isHidden("/host/state")), ("/host/state/tally.json", .isHidden("/host/state")),
            ("/host", .hasHidden("/host/state")), ("/", .hasHidden("/host/state")), ("/host/p", .isHidden("/host/p")),
            ("/host/p/a.so", .isHidden("/host/p")), ("/host/p/b.json5", .isHidden("/host/p")),
            ("/run/secrets/key", .isHidden("/run/secrets/key")), ("/run", .hasHidden("/run/secrets/key")),
            ("/host/p/table.csv", nil), ("/tmp", nil),
        ] as [(String, RefusedPath.Reason?)])
    func `nothing is given of the host's own, nor what contains it`(path: String, reason: RefusedPath.Reason?) {
        let (settings, _, refused) = Self.resolve([path])
        #expect(settings.write == (reason == nil ? [path] : []))
        #expect(refused.map(\.reason) == (reason.map { [$0, $0, $0] } ?? []))
        #expect(refused.allSatisfy { $0.line.contains(" gives nothing: ") })
    }

    @Test func `a plugins directory within the state directory has the plugins' own files all the same`() {
        let inner = ListedPaths(hidden: ["/host"], plugins: "/host/p", home: nil)
        var settings = SandboxSettings(level: .on)
        settings.write = ["/host/p/table.csv", "/host/state"]
        let found = inner.resolve(settings, look: Self.look)
        #expect(found.settings.write == ["/host/p/table.csv"])
        #expect(found.refused.map(\.reason) == [.isHidden("/host")])
    }

    @Test func `what belongs to the process that looks is the worker's own`() {
        let (settings, exact, _) = Self.resolve(["/proc/self/oom_score_adj"])
        #expect(settings.write == ["/proc/self/oom_score_adj"] && exact.isEmpty)
    }
}
