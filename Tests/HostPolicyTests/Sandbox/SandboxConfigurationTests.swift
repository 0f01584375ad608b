import HostPolicy
import HostValues
import Testing

/// What files say of sandboxes, and what becomes of it.
@Suite struct SandboxConfigurationTests {
    private func settings(host: String = "{}", file: String = "{}") throws -> SandboxSettings {
        let plugin = PluginDescription(
            id: "p", version: "1", description: nil, isSerial: false, parameters: [],
            routines: [.init(name: "r", description: nil, waitMs: 1000, maxCycles: 0, timeoutMs: 0)])
        let host = try HostConfiguration(parsing: Array(host.utf8), file: "schedhost.json5")
        let file = try PluginConfiguration(parsing: Array(file.utf8), file: "p.json5")
        try host.check(file)
        return EffectiveSettings(
            of: plugin.routines[0], in: plugin, host: host.layer, PluginLayers(block: host.plugins["p"], file: file),
            limit: host.sandboxLimit
        ).limits.sandbox
    }

    @Test func `absolute paths of params are named, wherever files give them, and the plugin's defaults are not`()
        throws
    {
        let named = try settings(
            host: "{ plugins: { p: { params: { a: '/host', b: 'relative', c: 7 } } } }",
            file:
                "{ params: { a: '/own', d: ['/list', { e: '/deep' }] }, routines: { r: { params: { f: '/routine' } } } }"
        ).named
        #expect(named == ["/deep", "/host", "/list", "/own", "/routine"])
        #expect(try settings(file: "{ params: { a: '${env:NOBODY_SAID}' } }").named.isEmpty)
    }

    @Test func `what a plugin's own file names is within the limit, what the host's file names is not bounded`() throws
    {
        let limited = try settings(
            host: "{ sandbox_limit: { write: ['/srv'] }, plugins: { p: { params: { a: '/host' } } } }",
            file: "{ params: { b: '/srv/b', c: '/srv/../etc', d: '/srvx', e: '/srv' } }")
        #expect(limited.named == ["/host", "/srv", "/srv/b"])
        #expect(limited.bounds.bounds(of: "/srv/b", for: .named) == ["/srv"])
        #expect(limited.bounds.bounds(of: "/host", for: .named) == nil)
    }

    @Test func `it is on, and reads and connects, where nobody says anything`() throws {
        let built = try settings()
        #expect(built == SandboxSettings(level: .on))
        #expect(built.read == .all && built.connect == .any && built.execute == .any && built.udp && built.bind.isEmpty)
    }

    @Test func `one word is the level`() throws {
        #expect(try settings(host: "{ sandbox: 'required' }").level == .required)
        #expect(try settings(host: "{ sandbox: 'required' }", file: "{ sandbox: 'off' }").level == .off)
        #expect(try settings(file: "{ sandbox: { level: 'off' } }").level == .off)
    }

    @Test func `lists add up, words take the place of lists`() throws {
        let sum = try settings(
            host: "{ sandbox: { write: ['/a'], bind: [1], connect: [443] } }",
            file: "{ sandbox: { write: ['/b', '/a'], bind: [2], connect: 'any', read: ['/c'], execute: 'none' } }")
        #expect(sum.write == ["/a", "/b"] && sum.bind == [1, 2] && sum.connect == .any)
        #expect(sum.read == .only(["/c"]) && sum.execute == .only([]))
        #expect(try settings(host: "{ sandbox: { connect: 'none' } }").connect == .only([]))
        #expect(
            try settings(host: "{ sandbox: { connect: 'none' } }", file: "{ sandbox: { connect: [80] } }").connect
                == .only([80]))
    }

    @Test(arguments: [
        ("{ level: 'on' }", "'off'", "sandbox"),
        ("{ write: ['/srv'] }", "{ write: ['/srv/a', '/etc'] }", "sandbox.write"),
        ("{ syscalls: [] }", "{ syscalls: ['ptrace'] }", "sandbox.syscalls"),
        ("{ connect: [443] }", "{ connect: 'any' }", "sandbox.connect"),
        ("{ udp: false }", "{ udp: true }", "sandbox.udp"),
        ("{ bind: [80] }", "{ bind: [81] }", "sandbox.bind"), ("{ read: ['/var'] }", "{ read: 'all' }", "sandbox.read"),
    ]) func `a plugin's own file cannot go beyond the limit`(limit: String, own: String, key: String) throws {
        let host = "{ sandbox_limit: \(limit) }"
        let error = #expect(throws: ConfigurationError.self) {
            try self.settings(host: host, file: "{ sandbox: \(own) }")
        }
        #expect(
            error?.problems.first?.keyPath == key && error?.problems.first?.message.contains("sandbox_limit") == true)
        // The operator's own word is not bounded.
        _ = try settings(host: "{ sandbox_limit: \(limit), sandbox: \(own) }")
    }

    @Test(arguments: [
        ("/data", "/database", false), ("/data", "/data/x", true), ("/data/", "/data", true), ("/data", "/data/", true),
        ("//data/./", "/data//x", true), ("/", "/etc", true), ("/data/x", "/data", false),
    ]) func `paths are compared part by part, however they are written`(most: String, own: String, isGood: Bool) throws
    {
        let host = "{ sandbox_limit: { write: ['\(most)'], read: ['\(most)'] } }"
        for file in ["{ sandbox: { write: ['\(own)'] } }", "{ sandbox: { read: ['\(own)'] } }"] {
            if isGood {
                _ = try settings(host: host, file: file)
            } else {
                #expect(throws: ConfigurationError.self) { try self.settings(host: host, file: file) }
            }
        }
        let named = try settings(host: host, file: "{ params: { a: '\(own)' } }").named
        #expect(named == (isGood ? [own] : []))
    }

    @Test func `paths are bounded that the operator does not give as well`() throws {
        let bounds = try settings(
            host: "{ sandbox_limit: { write: ['/srv'] }, sandbox: { write: ['/srv/a', '/etc/x'] } }",
            file: "{ sandbox: { write: ['/srv/a', '/srv/b'] }, routines: { r: { sandbox: { write: ['/srv/c'] } } } }"
        ).bounds
        let expected: [(String, [String]?)] = [
            ("/srv/a", nil), ("/etc/x", nil), ("/srv/b", ["/srv"]), ("/srv/c", ["/srv"]),
        ]
        for (path, folders) in expected { #expect(bounds.bounds(of: path, for: .write) == folders, "\(path)") }
        #expect(try settings(file: "{ sandbox: { write: ['/srv/b'] } }").bounds == BoundedPaths())
    }

    @Test func `what is within the limit is good`() throws {
        let limit =
            "{ sandbox_limit: { level: 'on', write: ['/srv'], connect: 'any', bind: [80, 81], execute: 'none' } }"
        let own =
            "{ sandbox: { level: 'required', write: ['/srv/a', '/srv'], connect: [1], bind: [81], execute: 'none' } }"
        #expect(try settings(host: limit, file: own).write == ["/srv/a", "/srv"])
        #expect(throws: ConfigurationError.self) {
            try self.settings(host: "{ sandbox_limit: { level: 'on' } }", file: "{ sandbox: 'off' }")
        }
    }
}
