import Testing

@testable import HostPolicy

/// What a plugin may do to the paths that its configuration names.
@Suite struct NamedPathsTests {
    private static let paths = NamedPaths(
        hidden: ["/srv/app/state", "/srv/app/plugins", "/data/state"], home: "/home/me")

    /// Folders, and files, that there are.
    private static let folders: Set = [
        "/", "/tmp", "/tmp/out", "/etc", "/home", "/home/me", "/home/me/docs", "/home/me/.config", "/home/me/.cache",
        "/home/me/.cache/app", "/home/me/.local", "/home/me/.local/share", "/home/me/.local/share/app", "/root", "/srv",
        "/srv/app", "/srv/app/state", "/srv/app/plugins", "/srv/other", "/var", "/var/log", "/var/log/app", "/data",
        "/dev", "/dev/shm", "/run", "/run/app",
    ]
    private static let files: Set = ["/tmp/file", "/srv/app/file", "/srv/app/state/tally.json", "/home/me/.bashrc"]

    private static func look(_ path: String) -> NamedPaths.Found? {
        if path == "/tmp/link" { return NamedPaths.Found("/etc/passwd", isFolder: false) }
        if folders.contains(path) { return NamedPaths.Found(path, isFolder: true) }
        return files.contains(path) ? NamedPaths.Found(path, isFolder: false) : nil
    }

    @Test(
        arguments: [
            // What is there.
            ("/tmp/file", .file("/tmp/file")), ("/tmp/out", .beneath("/tmp/out")), ("/tmp", .beneath("/tmp")),
            ("/srv/app/file", .file("/srv/app/file")), ("/home/me/docs", .beneath("/home/me/docs")),
            // What is not: its folder, or the nearest one.
            ("/tmp/new", .beneath("/tmp")), ("/tmp/a/b/new", .beneath("/tmp")),
            ("/srv/other/new", .beneath("/srv/other")),
            ("/run/app/pid", .beneath("/run/app")), ("/dev/shm/ring", .beneath("/dev/shm")),
            ("/home/me/.cache/app/x", .beneath("/home/me/.cache/app")),
            ("/home/me/.local/share/app/x", .beneath("/home/me/.local/share/app")),
            // Where the folder is too wide, the file alone.
            ("/srv/app/new", .newFile("/srv/app/new")), ("/home/me/new", .newFile("/home/me/new")),
            ("/root/new", .newFile("/root/new")), ("/data/new", .newFile("/data/new")),
            ("/var/log/new", .newFile("/var/log/new")), ("/var/log/app/new", .beneath("/var/log/app")),
            ("/srv/app/a/new", nil), ("/srv/app/new/", nil),
            // What looks like a path on a server, and what is too wide.
            ("/", nil), ("/prices", nil), ("/api/v1/prices", nil), ("/home/feed", nil), ("/srv", nil),
            ("/srv/app", nil),
            ("/home/me", nil), ("/var/log", nil), ("/var", nil), ("/data", nil), ("/home/me/.local", nil),
            // The system's, the host's, and the user's account.
            ("/etc/passwd", nil), ("/etc/new", nil), ("/usr/local/x", nil), ("/boot/x", nil), ("/proc/1/mem", nil),
            ("/sys/x", nil), ("/dev/sda", nil), ("/tmp/link", nil), ("/srv/app/state/tally.json", nil),
            ("/srv/app/state", nil), ("/srv/app/plugins/new.so", nil), ("/root/.ssh/authorized_keys", nil),
            ("/home/me/.bashrc", nil), ("/home/me/.profile", nil), ("/home/me/.config/x", nil),
            ("/home/you/.ssh/id", nil), ("/tmp/../etc/new", nil), ("/home/me/.local/share/systemd/x", nil),
        ] as [(String, NamedPaths.Grant?)])
    func `a path gives what is meant by it, and nothing of the system, the host or the account`(
        path: String, grant: NamedPaths.Grant?
    ) {
        #expect(Self.paths.grants(for: [path], look: Self.look).grants == [grant].compactMap { $0 })
    }

    @Test(
        arguments: [
            // Who can write a folder can put a link there: it leads no further than that folder.
            ("/data/out/away", nil), ("/data/out/away/x", nil), ("/data/out/within", .file("/data/out/file")),
            ("/data/out/folder/x", .beneath("/data/out/sub")),
            // Nobody who is given something can put one there.
            ("/home/me/away", .beneath("/data/other")), ("/home/me/away/x", .beneath("/data/other")),
        ] as [(String, NamedPaths.Grant?)])
    func `a link in a folder that may be given leads only within it`(path: String, grant: NamedPaths.Grant?) {
        let folders: Set = ["/", "/data", "/data/out", "/data/out/sub", "/data/other", "/home", "/home/me"]
        let links = [
            "/data/out/away": "/data/other", "/data/out/within": "/data/out/file", "/data/out/folder": "/data/out/sub",
            "/home/me/away": "/data/other",
        ]
        let grants = Self.paths.grants(for: [path]) { path in
            let place = links[path] ?? path
            if folders.contains(place) { return NamedPaths.Found(place, isFolder: true) }
            return place == "/data/out/file" ? NamedPaths.Found(place, isFolder: false) : nil
        }
        #expect(grants.grants == [grant].compactMap { $0 })
    }

    @Test func `each is given once`() {
        #expect(
            Self.paths.grants(for: ["/tmp/a", "/tmp/b", "/tmp/file"], look: Self.look).grants == [
                .beneath("/tmp"), .file("/tmp/file"),
            ])
    }

    @Test func `what is given may be written, and is no device`() {
        var places = SandboxPolicy.Places()
        places.named = [.file("/tmp/file"), .beneath("/tmp/out"), .newFile("/tmp/new")]
        let policy = SandboxPolicy(SandboxSettings(level: .on), places, on: .wanted)
        for path in ["/tmp/file", "/tmp/new"] {
            #expect(policy.paths.filter { $0.path == path }.map(\.rights) == [[.readFile, .writeFile, .truncate]])
        }
        #expect(policy.paths.filter { $0.path == "/tmp/out" }.map(\.rights) == [FileRights.own.union(.execute)])
        var settings = SandboxSettings(level: .on)
        settings.write = ["/dev/ttyUSB0", "/srv"]
        let rights = SandboxPolicy(settings, places, on: .wanted).paths
        #expect(rights.first { $0.path == "/dev/ttyUSB0" }?.rights.contains(.ioctlDevice) == true)
        #expect(rights.first { $0.path == "/srv" }?.rights.contains(.ioctlDevice) == false)
    }
}
