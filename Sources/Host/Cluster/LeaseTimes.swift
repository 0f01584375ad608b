public import HostValues

/// When a lease ends, step by step, from the time just before the request was sent that renewed it last.
///
/// Others may take over when they have seen no sign for the whole length, counted from when they saw the last one: so
/// all that is held must have ended well before. Between the kill and that lie a sixth for clocks that differ.
public struct LeaseTimes: Equatable, Sendable {
    /// Just before the request was sent.
    public let start: BootTime
    /// The length, ns.
    public let length: Int64

    private let killSixths: Int64

    /// A lease from `start` on.
    public init(start: BootTime, length: Int64) { self.init(start: start, length: length, killSixths: 5) }

    init(start: BootTime, length: Int64, killSixths: Int64) {
        self.start = start
        self.length = length
        self.killSixths = killSixths
    }

    /// From here on it should be renewed.
    public var renewal: BootTime { start + length / 6 }
    /// From here on no session begins. One that runs may begin cycles until `end`.
    public var hold: BootTime { start + length / 2 }
    /// From here on sessions are asked to end.
    public var end: BootTime { start + length / 3 * 2 }
    /// From here on no session lives.
    public var kill: BootTime { start + length / 6 * killSixths }
}
