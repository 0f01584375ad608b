internal import CHostSystem
internal import Glibc

/// The resources that a process uses, as the kernel counts them. proc(5), `/proc/PID/stat`.
public struct ProcessUsage: Equatable, Sendable {
    /// Processor time in user and kernel mode, in ms.
    public let cpuMs: UInt64
    /// Resident memory in bytes; inexact by up to some hundred KiB.
    public let residentBytes: UInt64

    /// Reads the usage of a process; nil if there is no such process. Does not disturb that process.
    public init?(of pid: Int32) {
        guard let directory = try? Directory("/proc/\(pid)"), let file = try? directory.openForReading("stat"),
            let bytes = try? file.read(count: 1024, at: 0, subject: "stat")
        else { return nil }
        self.init(stat: bytes)
    }

    /// Parses the content of the `stat` file; nil if it is malformed.
    public init?(stat bytes: [UInt8]) {
        // The process's name, which ends at the last bracket, may contain anything.
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
