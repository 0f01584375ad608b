internal import CHostSystem
internal import Glibc

/// The time as the host asks for it. Injected, so that tests run in virtual time.
public protocol HostClock: Sendable {
    /// Nanoseconds since the boot; goes on during a suspend and is never set (`CLOCK_BOOTTIME`).
    func boot() -> Int64
    /// Nanoseconds of running time; stands still during a suspend and is never set (`CLOCK_MONOTONIC`).
    func monotonic() -> Int64
    /// Nanoseconds since 1970, UTC, as the machine believes (`CLOCK_REALTIME`); people and daemons set it.
    func wall() -> Int64
}

/// The kernel's clocks. clock_gettime(2); each read is about 20 ns, without a system call.
public struct SystemClock: HostClock {
    /// The one there is.
    public init() {}

    @inline(__always)
    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// `CLOCK_BOOTTIME`, in ns.
    public func boot() -> Int64 { read(CLOCK_BOOTTIME) }
    /// `CLOCK_MONOTONIC`, in ns.
    public func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }
    /// `CLOCK_REALTIME`, in ns.
    public func wall() -> Int64 { read(CLOCK_REALTIME) }
}

/// The kernel's id of this boot, 36 characters; empty where it cannot be read. random(4).
public func bootIdentifier() -> String {
    guard let directory = try? Directory("/proc/sys/kernel/random"),
        let file = try? directory.openForReading("boot_id"),
        let bytes = try? file.read(count: 36, at: 0, subject: "boot_id")
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
}
