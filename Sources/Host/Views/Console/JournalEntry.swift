public import HostValues

/// Builds entries for journald in its native protocol; see "Native Journal Protocol" in systemd's documentation. Pure.
public enum JournalEntry {
    /// The datagram for a log line. `subject` is a plugin or `plugin/routine`, empty for the host itself; the text is
    /// cut to 16 KiB.
    public static func bytes(_ level: LogLevel, subject: String, text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        func field(_ name: String, _ value: some StringProtocol) {
            let value = Array(value.utf8)
            bytes += name.utf8
            if value.contains(UInt8(ascii: "\n")) {
                bytes.append(UInt8(ascii: "\n"))
                let size = UInt64(value.count)
                for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: size >> UInt64(byte * 8))) }
            } else {
                bytes.append(UInt8(ascii: "="))
            }
            bytes += value
            bytes.append(UInt8(ascii: "\n"))
        }
        let names = subject.split(separator: "/", maxSplits: 1)
        field("PRIORITY", "\(priority(level))")
        field("SYSLOG_IDENTIFIER", "schedhost")
        if let plugin = names.first { field("SCHEDHOST_PLUGIN", plugin.prefix(200)) }
        if names.count > 1 { field("SCHEDHOST_ROUTINE", names[1].prefix(200)) }
        field("MESSAGE", (subject.isEmpty ? text : subject + ": " + text).cut(to: 16 << 10))
        return bytes
    }

    /// The priority of the level, as syslog(3) numbers it.
    static func priority(_ level: LogLevel) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .success: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
