internal import Glibc
public import HostValues

/// A time zone's file, and how it is called.
public struct ZoneFile: Equatable, Sendable {
    /// The zone's name, such as `Europe/Berlin`; a path where it has none.
    public let name: String
    /// Where its file is.
    public let path: String

    private init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// Where zones are: `TZDIR`, or `/usr/share/zoneinfo`.
    public static var folder: String {
        guard let folder = HostProcess.environment("TZDIR"), !folder.isEmpty else { return "/usr/share/zoneinfo" }
        return folder
    }

    /// The file of a name. The caller has seen that the name has letters, digits, `/ _ + -` only.
    public init(named name: String) { self.init(name: name, path: Self.folder + "/" + name) }

    /// Where the machine's own zone is.
    public enum Own: Equatable, Sendable {
        /// In a file.
        case file(ZoneFile)
        /// In the variable `TZ` itself, such as `CET-1CEST,M3.5.0,M10.5.0/3`, or a name.
        case variable(String)
        /// Nowhere, so it is universal time.
        case universal
    }

    /// Where it is by the environment of this process.
    public static var own: Own { own(variable: HostProcess.environment("TZ")) }

    /// By `TZ`, or if that is not set by `/etc/localtime`, which is a link whose end is the name. tzset(3), readlink(2).
    public static func own(variable: String?) -> Own {
        if let variable {
            let text = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
            if text.isEmpty { return .universal }
            if text.hasPrefix("/") { return .file(ZoneFile(name: name(of: text) ?? text, path: text)) }
            return .variable(text)
        }
        let path = "/etc/localtime"
        if unsafe access(path, R_OK) != 0 { return .universal }
        return .file(ZoneFile(name: linkName(of: path) ?? path, path: path))
    }

    private static func linkName(of path: String) -> String? {
        let target = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { text in
            let count = unsafe text.baseAddress.map { unsafe readlink(path, $0, text.count) } ?? -1
            return unsafe count > 0
                ? String(validating: text[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        }
        return target.flatMap { name(of: $0) }
    }

    /// What comes after `zoneinfo/` in a path.
    private static func name(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let index = parts.lastIndex(of: "zoneinfo"), index + 1 < parts.count else { return nil }
        return parts[(index + 1)...].joined(separator: "/")
    }

    /// Its content, if it is a regular file of at most `limit` bytes.
    public func read(limit: Int) throws(SystemError) -> [UInt8] {
        let (folder, last) = Directory.split(path)
        let file = try Directory(folder).openForReading(last, followLink: true)
        guard try file.status(subject: path).kind == .regular else { throw SystemError("read", path, number: EINVAL) }
        return try file.readAll(limit: limit, subject: path)
    }

    /// What changes when the file is replaced; nil while it is not there.
    public var stamp: FileStatus? {
        let (folder, last) = Directory.split(path)
        return try? Directory(folder).status(last, followLink: true)
    }
}
