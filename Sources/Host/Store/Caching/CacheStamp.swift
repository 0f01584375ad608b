public import HostSystem
public import HostValues

/// Which machine, boot and time namespace a process reads its clocks in.
public struct CacheOrigin: Equatable, Sendable {
    /// What tells the machine from others, see `machineNumber`; 0 when nobody knows.
    public var machine: UInt64
    /// The boot's id as a number; 0 when it could not be read.
    public var boot: UInt128
    /// How far the boot clock is ahead of the machine's own here, ns.
    public var bootOffset: Int64

    /// An origin by the texts that the system gives; by default this process's.
    public init(
        machine: String = machineIdentifier(), boot: String = bootIdentifier(), bootOffset: Int64 = bootClockOffset()
    ) {
        self.machine = Self.machineNumber(machine)
        self.boot = CacheStamp.bootNumber(boot)
        self.bootOffset = bootOffset
    }

    /// The present.
    func now(_ clock: any HostClock) -> CacheStamp { stamp(bootTime: clock.boot(), wallTime: clock.wall()) }

    /// A moment by the clocks as they are read here.
    func stamp(bootTime: BootTime, wallTime: WallTime) -> CacheStamp {
        CacheStamp(
            machine: machine, boot: boot, bootTime: bootTime - bootOffset, wallTime: wallTime)
    }

    /// A number that stands for a machine's id and does not tell it: machine-id(5) asks that it be kept.
    static func machineNumber(_ identifier: String) -> UInt64 {
        guard identifier.utf8.count == 32, UInt128(identifier, radix: 16) ?? 0 != 0 else { return 0 }
        return UInt64(truncatingIfNeeded: CacheName.hash(Array("schedhost cache of \(identifier)".utf8)))
    }
}

/// When a value was made, in a form that outlives the process and the boot.
public struct CacheStamp: Equatable, Sendable {
    /// What tells the machine from others; 0 when nobody knows.
    public var machine: UInt64
    /// The boot's id as 16 bytes; all zero when it could not be read.
    public var boot: UInt128
    /// By the boot clock, as it is outside of all time namespaces.
    public var bootTime: BootTime
    /// By the wall clock, as the machine believed.
    public var wallTime: WallTime

    /// A stamp.
    public init(machine: UInt64 = 0, boot: UInt128, bootTime: BootTime, wallTime: WallTime) {
        self.machine = machine
        self.boot = boot
        self.bootTime = bootTime
        self.wallTime = wallTime
    }

    /// The value's age at `now`, in nanoseconds; nil when nobody can know.
    ///
    /// Within one boot it is exact, whatever was done to the wall clock. Over a boot of the same machine it is the wall
    /// clock's difference, and never less than the time since that boot. For a value of another machine, or where that
    /// or the boot is not known, there is only the wall clock. One that went backwards makes the age unknown.
    public func age(at now: CacheStamp) -> Int64? {
        if boot == now.boot, boot != 0 {
            let age = now.bootTime - bootTime
            return age >= 0 ? age : nil
        }
        // At the end of the numbers, from the year 2262 on, the wall clock stands.
        if now.wallTime == .never { return nil }
        let age = now.wallTime - wallTime
        guard age >= 0 else { return nil }
        let isAnotherBoot = machine == now.machine && machine != 0 && boot != 0 && now.boot != 0
        return isAnotherBoot ? max(age, now.bootTime.nanoseconds) : age
    }

    /// The number in a boot id such as `bootIdentifier` gives; 0 when it is none.
    public static func bootNumber(_ identifier: String) -> UInt128 {
        UInt128(identifier.filter { $0 != "-" }, radix: 16) ?? 0
    }
}
