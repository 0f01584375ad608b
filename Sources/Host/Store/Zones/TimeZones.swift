public import HostPolicy
internal import HostSystem
internal import HostValues

/// Finds time zones on this machine, by name or the machine's own. It reads the files; `TimeZoneRules` interprets them.
public enum TimeZones {
    /// The reason why the rules of a zone cannot be had.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The reason in one line, with the remedy.
        public let description: String
    }

    /// A zone that was found.
    public struct Zone: Equatable, Sendable {
        /// The zone's name.
        public let name: String
        /// The zone's rules.
        public let rules: TimeZoneRules
    }

    /// Whether a zone of that name exists.
    public static func has(_ name: String) -> Bool {
        guard ScheduleText.isZoneName(Array(name.utf8)) else { return false }
        guard let bytes = try? ZoneFile(named: name).read(limit: TimeZoneRules.mostBytes) else { return false }
        return bytes.starts(with: "TZif".utf8)
    }

    /// A fingerprint that changes when the file of a zone changes, or when the machine is given another zone.
    public struct Mark: Equatable, Sendable {
        private let own: ZoneFile.Own?
        private let stamp: FileStatus?

        /// Takes the present fingerprint of a named zone; with nil, of the machine's own zone, where `variable` is the
        /// value of `TZ`.
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

    /// Loads a named zone, or with nil the machine's own, with rules from about a year before `time` on.
    public static func zone(_ name: String?, from time: Int64) throws(Failure) -> Zone {
        try zone(name, from: time, variable: HostProcess.environment("TZ"))
    }

    /// Loads a zone as above, where `variable` is the value of `TZ`.
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
