public import HostPolicy
internal import HostSystem
public import HostValues

/// Describes limits in lists.
public enum LimitsText {
    /// The limits of a worker, and how a host that is started like this process would enforce them; nil if there are none.
    public static func text(_ settings: EffectiveSettings) -> String? {
        let limits = settings.limits
        let isRoot = HostProcess.user == 0
        let groups = WorkerGroups(
            SystemGroupFiles(), owner: HostMark(pid: HostProcess.pid, number: 0), tell: { _ in })
        let places = groups.expected
        let bounds = LimitBound.all(of: limits, in: places, joined: Set(places.places.keys), isRoot: isRoot)
        return bounds.isEmpty ? nil : "limits: " + bounds.map(\.text).joined(separator: ", ")
    }
}

/// Describes sandboxes in lists.
public enum SandboxText {
    /// The sandbox's level, and what this kernel can enforce of it.
    public static func text(_ settings: EffectiveSettings) -> String {
        let level = settings.limits.sandbox.level
        let support = SandboxMaker.support
        if level == .off { return "sandbox: off" }
        let missing = support.missing.isEmpty ? "" : ", without " + support.missing.joined(separator: ", ")
        return "sandbox: \(level.rawValue) (Landlock ABI \(support.abi)\(missing))"
    }

    /// Why the host would refuse a plugin whose routines have these settings: they do not allow what it says that it needs. Nil
    /// if they do.
    public static func unmetNeeds(of plugin: PluginDescription, _ settings: [EffectiveSettings]) -> String? {
        guard let isolation = settings.first?.isolation else { return nil }
        return SandboxGate.unmetNeeds(of: plugin, settings.map(\.limits), at: isolation)
    }
}
