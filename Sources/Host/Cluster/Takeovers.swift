internal import HostValues

/// How often this host has taken over what another one held, without a word from that one, and how long nobody held it. Pure.
public struct Takeovers: Equatable, Sendable {
    /// Of so many hosts that are gone it is remembered when they gave their last sign of life.
    private static let mostRemembered = 256

    /// How often.
    public private(set) var count: UInt64 = 0
    /// How often it is known how long it took.
    public private(set) var timed: UInt64 = 0
    /// How long these took in all, from the last sign of life that this host has seen to the grant, in ns.
    public private(set) var time: Int64 = 0
    /// The last signs of life of hosts that are gone.
    private var lastWords: [HostID: BootTime] = [:]
    /// None so far.
    public init() {}

    /// These hosts were there, and these are.
    mutating func see(_ old: [String: ClusterView.SeenHost], _ new: [String: ClusterView.SeenHost]) {
        for (key, host) in old where new[key] == nil {
            guard let id = host.id else { continue }
            if lastWords.count >= Self.mostRemembered, let oldest = lastWords.min(by: { $0.value < $1.value })?.key {
                lastWords[oldest] = nil
            }
            lastWords[id] = host.since
        }
    }

    /// This host has what that one had, by the record in the store.
    mutating func taken(from holder: HostID, at now: BootTime) {
        count += 1
        guard let last = lastWords[holder] else { return }
        timed += 1
        time = time.clampedPlus(max(0, now - last))
    }

    /// Whether both have counted the same.
    public static func == (one: Takeovers, other: Takeovers) -> Bool {
        one.count == other.count && one.timed == other.timed && one.time == other.time
    }
}
