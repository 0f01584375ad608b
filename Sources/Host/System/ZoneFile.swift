internal import Glibc
public import HostValues

/// The file of a time zone, and the zone's name.
public struct ZoneFile: Equatable, Sendable {
    /// The zone's name, such as `Europe/Berlin`; the path if it has no name.
    public let name: String
    /// The path of its file.
    public let path: String

    private init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The folder of the zone files: `TZDIR`, or `/usr/share/zoneinfo`.
    public static var folder: String {
        guard let folder = HostProcess.environment("TZDIR"), !folder.isEmpty else { return "/usr/share/zoneinfo" }
        return folder
    }

    /// The file of a named zone. The caller has checked that the name consists of letters, digits and `/ _ + -` only.
    public init(named name: String) { self.init(name: name, path: Self.folder + "/" + name) }

    /// Where the machine's own time zone is defined.
    public enum Own: Equatable, Sendable {
        /// In a file.
        case file(ZoneFile)
        /// The text of the variable `TZ`: a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`, or a name.
        case variable(String)
        /// Nowhere, so it is UTC.
        case universal
    }

    /// The machine's own zone, by this process's environment.
    public static var own: Own { own(variable: HostProcess.environment("TZ")) }

    /// The machine's own zone: by `TZ` if it is set, else by `/etc/localtime`, a link whose target has the name.
    /// tzset(3), readlink(2).
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

    /// The part of a path after `zoneinfo/`; nil if there is none.
    private static func name(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let index = parts.lastIndex(of: "zoneinfo"), index + 1 < parts.count else { return nil }
        return parts[(index + 1)...].joined(separator: "/")
    }

    /// The file's content. Throws if it is not a regular file, or has more than `limit` bytes.
    public func read(limit: Int) throws(SystemError) -> [UInt8] {
        let (folder, last) = Directory.split(path)
        let file = try Directory(folder).openForReading(last, followLink: true)
        guard try file.status(subject: path).kind == .regular else { throw SystemError("read", path, number: EINVAL) }
        return try file.readAll(limit: limit, subject: path)
    }

    /// The file's status, which changes when the file is replaced; nil if there is no file.
    public var stamp: FileStatus? {
        let (folder, last) = Directory.split(path)
        return try? Directory(folder).status(last, followLink: true)
    }
}
