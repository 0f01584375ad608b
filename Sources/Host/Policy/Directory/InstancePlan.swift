/// What follows for the instances of a plugin when its configuration is read: which stay, go and come. Pure.
///
/// Without instances a plugin runs as itself, which here is the instance nil.
public struct InstancePlan: Equatable, Sendable {
    /// Those that are there and stay, with what is configured now.
    public private(set) var stay: [Int] = []
    /// Those that go, since the configuration has them no more.
    public private(set) var go: [Int] = []
    /// Those that come.
    public private(set) var come: [String?] = []

    /// `wanted` are the configured ones, none for the plugin as itself; `present` are those that are there, by number.
    public init(wanted: [String], present: [(number: Int, instance: String?)]) {
        let wanted: [String?] = wanted.isEmpty ? [nil] : wanted
        for (number, instance) in present {
            if wanted.contains(instance) { stay.append(number) } else { go.append(number) }
        }
        let known = present.map(\.instance)
        come = wanted.filter { !known.contains($0) }
    }
}
