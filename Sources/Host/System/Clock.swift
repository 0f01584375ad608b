internal import CHostSystem
internal import Glibc
public import HostValues

/// The source of every time that the host reads. It is injected, so that tests run in virtual time.
public protocol HostClock: Sendable {
    /// Time since the machine booted. It advances during a suspend and cannot be set (`CLOCK_BOOTTIME`).
    func boot() -> BootTime
    /// Time since the boot, without suspends. It cannot be set (`CLOCK_MONOTONIC`).
    func monotonic() -> MonotonicTime
    /// Time since 1970, UTC, as this machine believes it to be (`CLOCK_REALTIME`). People and time daemons set it.
    func wall() -> WallTime
    /// Milliseconds since 1970, UTC. Unlike `wall`, whose nanoseconds end in 2262, it can represent later times.
    func wallMilliseconds() -> Int64
}

extension HostClock {
    /// Derived from `wall`.
    public func wallMilliseconds() -> Int64 { wall().milliseconds }
}

/// The kernel's clocks. clock_gettime(2); a read takes about 20 ns and makes no system call.
public struct SystemClock: HostClock {
    /// Makes the clock; all instances are alike.
    public init() {}

    /// Seconds and nanoseconds as nanoseconds, saturating at the limits of `Int64`.
    @inline(__always)
    static func nanoseconds(seconds: Int64, and rest: Int64) -> Int64 {
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflows) = whole.addingReportingOverflow(rest)
        return overflow || overflows ? (seconds < 0 ? .min : .max) : sum
    }

    /// `CLOCK_BOOTTIME`.
    public func boot() -> BootTime { BootTime(nanoseconds: chs_boot_time()) }
    /// `CLOCK_MONOTONIC`.
    public func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: chs_monotonic_time()) }
    /// `CLOCK_REALTIME`.
    public func wall() -> WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Self.nanoseconds(seconds: Int64(time.tv_sec), and: Int64(time.tv_nsec)))
    }
    /// `CLOCK_REALTIME`, in milliseconds.
    public func wallMilliseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }
}

/// How far CLOCK_BOOTTIME of this process's time namespace is ahead of the machine's, in ns; 0 outside of such a
/// namespace and where the offset cannot be read. time_namespaces(7).
public func bootClockOffset() -> Int64 {
    guard let directory = try? Directory("/proc/self"), let file = try? directory.openForReading("timens_offsets"),
        let bytes = try? file.read(count: 512, at: 0, subject: "timens_offsets")
    else { return 0 }
    return bootClockOffset(in: String(decoding: bytes, as: UTF8.self))
}

/// Finds the offset in the text of `/proc/PID/timens_offsets`, whose lines each have a clock, seconds and nanoseconds.
func bootClockOffset(in text: String) -> Int64 {
    for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "boottime", let seconds = Int64(words[1]), let rest = Int64(words[2]) else {
            continue
        }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : whole &+ rest
    }
    return 0
}

/// The machine's id, 32 characters; empty if the machine has none. machine-id(5).
public func machineIdentifier() -> String {
    for (folder, name) in [("/etc", "machine-id"), ("/var/lib/dbus", "machine-id")] {
        guard let directory = try? Directory(folder), let file = try? directory.openForReading(name, followLink: true),
            let bytes = try? file.read(count: 32, at: 0, subject: name), bytes.count == 32
        else { continue }
        return String(decoding: bytes, as: UTF8.self)
    }
    return ""
}

/// The kernel's id of this boot, 36 characters; empty if it cannot be read. random(4).
public func bootIdentifier() -> String {
    guard let directory = try? Directory("/proc/sys/kernel/random"),
        let file = try? directory.openForReading("boot_id"),
        let bytes = try? file.read(count: 36, at: 0, subject: "boot_id")
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
}
