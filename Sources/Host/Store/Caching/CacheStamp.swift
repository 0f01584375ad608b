public import HostSystem
public import HostValues

/// The machine, boot and time namespace that a process reads its clocks in.
public struct CacheOrigin: Equatable, Sendable {
    /// A number that identifies the machine, see `machineNumber`; 0 if it is unknown.
    public var machine: UInt64
    /// The boot id as a number; 0 if it could not be read.
    public var boot: UInt128
    /// How far the boot clock of this process's time namespace is ahead of the machine's, in ns.
    public var bootOffset: Int64

    /// Makes an origin from the system's texts; by default that of this process.
    public init(
        machine: String = machineIdentifier(), boot: String = bootIdentifier(), bootOffset: Int64 = bootClockOffset()
    ) {
        self.machine = Self.machineNumber(machine)
        self.boot = CacheStamp.bootNumber(boot)
        self.bootOffset = bootOffset
    }

    /// The current time.
    func now(_ clock: any HostClock) -> CacheStamp { stamp(bootTime: clock.boot(), wallTime: clock.wall()) }

    /// Makes a stamp from times that were read in this process.
    func stamp(bootTime: BootTime, wallTime: WallTime) -> CacheStamp {
        CacheStamp(
            machine: machine, boot: boot, bootTime: bootTime - bootOffset, wallTime: wallTime)
    }

    /// A number that is derived from a machine's id but does not disclose it: machine-id(5) asks that the id be kept
    /// confidential.
    static func machineNumber(_ identifier: String) -> UInt64 {
        guard identifier.utf8.count == 32, UInt128(identifier, radix: 16) ?? 0 != 0 else { return 0 }
        return UInt64(truncatingIfNeeded: CacheName.hash(Array("schedhost cache of \(identifier)".utf8)))
    }
}

/// The time at which a value was made, in a form that remains meaningful after the end of the process and of the boot.
public struct CacheStamp: Equatable, Sendable {
    /// A number that identifies the machine; 0 if it is unknown.
    public var machine: UInt64
    /// The boot id, 16 bytes; 0 if it could not be read.
    public var boot: UInt128
    /// The time by the boot clock, as read outside of all time namespaces.
    public var bootTime: BootTime
    /// The time by the wall clock, as the machine believed.
    public var wallTime: WallTime

    /// Makes a stamp from its parts.
    public init(machine: UInt64 = 0, boot: UInt128, bootTime: BootTime, wallTime: WallTime) {
        self.machine = machine
        self.boot = boot
        self.bootTime = bootTime
        self.wallTime = wallTime
    }

    /// The age at `now` of a value made at this time, in ns; nil if it cannot be known.
    ///
    /// Within one boot the age is exact, whatever was done to the wall clock. Across boots of the same machine it is
    /// the difference of the wall clocks, but at least the time since the last boot. For a value of another machine, or
    /// where machine or boot are unknown, only the wall clock counts. A wall clock that went backwards makes the age
    /// unknown.
    public func age(at now: CacheStamp) -> Int64? {
        if boot == now.boot, boot != 0 {
            let age = now.bootTime - bootTime
            return age >= 0 ? age : nil
        }
        // From the year 2262 on the wall clock stands still at the largest number.
        if now.wallTime == .never { return nil }
        let age = now.wallTime - wallTime
        guard age >= 0 else { return nil }
        let isAnotherBoot = machine == now.machine && machine != 0 && boot != 0 && now.boot != 0
        return isAnotherBoot ? max(age, now.bootTime.nanoseconds) : age
    }

    /// Parses a boot id as `bootIdentifier` returns it; 0 if the text is not one.
    public static func bootNumber(_ identifier: String) -> UInt128 {
        UInt128(identifier.filter { $0 != "-" }, radix: 16) ?? 0
    }
}
