public import HostPolicy
internal import HostSystem
internal import HostValues

/// Finds time zones on this machine: by name, or its own. Reads files; what is in them is `TimeZoneRules`' to judge.
public enum TimeZones {
    /// Why there are no rules for a zone.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// One line with the mend.
        public let description: String
    }

    /// A zone as it was found.
    public struct Zone: Equatable, Sendable {
        /// How it is called.
        public let name: String
        /// Its rules.
        public let rules: TimeZoneRules
    }

    /// Whether there is a zone of that name.
    public static func has(_ name: String) -> Bool {
        guard ScheduleText.isZoneName(Array(name.utf8)) else { return false }
        guard let bytes = try? ZoneFile(named: name).read(limit: TimeZoneRules.mostBytes) else { return false }
        return bytes.starts(with: "TZif".utf8)
    }

    /// What changes when the files of a zone do, or this machine gets another one.
    public struct Mark: Equatable, Sendable {
        private let own: ZoneFile.Own?
        private let stamp: FileStatus?

        /// As the zone of that name is now; nil: this machine's, with what `TZ` says.
        public init(_ name: String?, variable: String?) {
            own = name == nil ? ZoneFile.own(variable: variable) : nil
            let file: ZoneFile? =
                switch own {
                case .file(let file): file
                case .variable(let text): ScheduleText.isZoneName(Array(text.utf8)) ? ZoneFile(named: text) : nil
                case .universal: nil
                case nil: name.map { ZoneFile(named: $0) }
                }
            stamp = file?.stamp
        }
    }

    /// The zone of a name, or with nil that of this machine, with what holds from about a year before `time` on.
    public static func zone(_ name: String?, from time: Int64) throws(Failure) -> Zone {
        try zone(name, from: time, variable: HostProcess.environment("TZ"))
    }

    /// The same with what `TZ` says.
    public static func zone(_ name: String?, from time: Int64, variable: String?) throws(Failure) -> Zone {
        if let name {
            guard ScheduleText.isZoneName(Array(name.utf8)) else { throw absent(name) }
            return try zone(ZoneFile(named: name), from: time)
        }
        switch ZoneFile.own(variable: variable) {
        case .universal: return Zone(name: "UTC", rules: .utc)
        case .file(let file): return try zone(file, from: time)
        case .variable(let text):
            if has(text) { return try zone(ZoneFile(named: text), from: time) }
            guard let rules = TimeZoneRules(posix: text) else {
                throw Failure(description: "TZ: \(absent(text))")
            }
            return Zone(name: text, rules: rules)
        }
    }

    private static func zone(_ file: ZoneFile, from time: Int64) throws(Failure) -> Zone {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.read(limit: TimeZoneRules.mostBytes)
        } catch {
            if error.isNotFound { throw absent(file.name) }
            throw Failure(description: "\(error)")
        }
        do throws(TimeZoneError) {
            return Zone(name: file.name, rules: try TimeZoneRules(file: bytes, from: time))
        } catch {
            throw Failure(description: "\(file.path): \(error)")
        }
    }

    private static func absent(_ name: String) -> Failure {
        let shown = TerminalText.cut(TerminalText.clean(name), to: 80)
        return Failure(
            description:
                "there is no time zone '\(shown)' in \(ZoneFile.folder): names are such as Europe/Berlin or UTC")
    }
}
