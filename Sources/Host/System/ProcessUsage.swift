internal import CHostSystem
internal import Glibc

/// What a process uses now, as the kernel counts it. proc(5), `/proc/PID/stat`.
public struct ProcessUsage: Equatable, Sendable {
    /// Processor time in user and kernel mode, ms.
    public let cpuMs: UInt64
    /// Resident memory, bytes; off by up to some hundred KiB.
    public let residentBytes: UInt64

    /// One process's; nil when there is none of that id. Costs the process itself nothing.
    public init?(of pid: Int32) {
        guard let directory = try? Directory("/proc/\(pid)"), let file = try? directory.openForReading("stat"),
            let bytes = try? file.read(count: 1024, at: 0, subject: "stat")
        else { return nil }
        self.init(stat: bytes)
    }

    /// The numbers of the file's content; nil for another content.
    public init?(stat bytes: [UInt8]) {
        // The name before the last bracket may hold anything.
        guard let bracket = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let words = bytes[bytes.index(after: bracket)...].split(separator: UInt8(ascii: " ")).prefix(22).map { word in
            UInt64(String(decoding: word, as: UTF8.self)) ?? 0
        }
        guard words.count == 22 else { return nil }
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        cpuMs = (words[11] &+ words[12]).multipliedReportingOverflow(by: 1000).partialValue / ticks
        residentBytes =
            words[21].multipliedReportingOverflow(by: UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))).partialValue
    }
}
