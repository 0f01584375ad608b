/// When a value was made, in a form that outlives the process and the boot.
public struct CacheStamp: Equatable, Sendable {
    /// The boot's id as 16 bytes; all zero when it could not be read.
    public var boot: UInt128
    /// Boot-clock nanoseconds.
    public var bootTime: Int64
    /// Nanoseconds since 1970, UTC, as the machine believed.
    public var wallTime: Int64

    /// A stamp.
    public init(boot: UInt128, bootTime: Int64, wallTime: Int64) {
        self.boot = boot
        self.bootTime = bootTime
        self.wallTime = wallTime
    }

    /// The value's age at `now`, in nanoseconds; nil when nobody can know.
    ///
    /// Within one boot it is exact, whatever was done to the wall clock. Over a boot it is the wall clock's difference,
    /// and never less than the time since that boot; a wall clock that went backwards makes it unknown.
    public func age(at now: CacheStamp) -> Int64? {
        if boot == now.boot, boot != 0 {
            let age = CacheTime.difference(now.bootTime, bootTime)
            return age >= 0 ? age : nil
        }
        let age = CacheTime.difference(now.wallTime, wallTime)
        return age >= 0 ? max(age, now.bootTime) : nil
    }

    /// The number in a boot id such as `bootIdentifier` gives; 0 when it is none.
    public static func bootNumber(_ identifier: String) -> UInt128 {
        UInt128(identifier.filter { $0 != "-" }, radix: 16) ?? 0
    }
}
