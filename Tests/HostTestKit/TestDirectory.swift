public import HostSystem

/// A directory of a test's own, removed with all that is in it when the value ends.
public final class TestDirectory: Sendable {
    /// Its path.
    public let path: String

    /// Makes it below `/tmp`.
    public init() { path = (try? Directory.makeTemporary("schedhost-test", in: "/tmp").path) ?? "" }

    deinit {
        guard let directory = try? Directory(path), let parent = try? Directory("/tmp") else { return }
        Self.empty(directory)
        try? parent.removeDirectory(String(path.dropFirst("/tmp/".count)))
    }

    private static func empty(_ directory: borrowing Directory) {
        for name in (try? directory.names()) ?? [] where (try? directory.remove(name)) == nil {
            if let child = try? directory.directory(name) { empty(child) }
            try? directory.removeDirectory(name)
        }
    }

    /// The directory, opened.
    public func directory() throws(SystemError) -> Directory { try Directory(path) }

    /// What is in a file of it.
    public func bytes(_ name: String) throws -> [UInt8] {
        try directory().openForReading(name).readAll(limit: 1 << 30, subject: name)
    }

    /// Makes a file of it hold just that.
    public func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try directory().openForUpdate(name)
        try file.truncate(to: 0, subject: name)
        try file.writeAll(bytes, subject: name)
    }
}
