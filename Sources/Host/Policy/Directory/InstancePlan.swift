/// Compares the configured instances of a plugin with the existing ones when its configuration is read: which stay,
/// which end and which are new. Pure.
///
/// A plugin without configured instances runs once, without an instance, which is nil here.
public struct InstancePlan: Equatable, Sendable {
    /// The existing instances that stay and take the new configuration, by number.
    public private(set) var stay: [Int] = []
    /// The existing instances that end, because they are no longer configured, by number.
    public private(set) var go: [Int] = []
    /// The new instances.
    public private(set) var come: [String?] = []

    /// Compares instances. `wanted` has the configured ones, and is empty for a plugin without instances; `present` has
    /// the existing ones with their numbers.
    public init(wanted: [String], present: [(number: Int, instance: String?)]) {
        let wanted: [String?] = wanted.isEmpty ? [nil] : wanted
        for (number, instance) in present {
            if wanted.contains(instance) { stay.append(number) } else { go.append(number) }
        }
        let known = present.map(\.instance)
        come = wanted.filter { !known.contains($0) }
    }
}
