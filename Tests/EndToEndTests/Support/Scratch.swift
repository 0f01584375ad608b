import FoundationEssentials
import HostSystem

/// A directory that is gone when nobody holds it: `plugins/` and `state/`, and what a test puts beside them.
final class Scratch {
    let path: String
    var plugins: String { path + "/plugins" }
    var state: String { path + "/state" }

    init() throws {
        path = "/tmp/schedhost-e2e-\(HostProcess.pid)-\(UInt32.random(in: 0 ... .max))"
        let owned: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: owned)
        try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: false, attributes: owned)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Puts a fixture among the plugins.
    func add(_ fixture: String, as name: String? = nil) throws {
        try Fixtures.copy(fixture, to: plugins + "/" + (name ?? fixture + ".so"))
    }

    /// Puts a small file among the plugins.
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: plugins + "/" + name))
    }

    /// The text of a file in the scratch directory; empty when there is none.
    func text(_ name: String) -> String { Self.text(path + "/" + name) }

    /// The text of any file, those of proc(5) too; empty when there is none.
    static func text(_ path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let directory = try? Directory(parts.dropLast().joined(separator: "/")),
            let file = try? directory.openForReading(String(parts.last ?? "")),
            let bytes = try? file.readAll(limit: 64 << 20, subject: path)
        else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
