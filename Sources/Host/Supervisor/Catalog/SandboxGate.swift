internal import HostPolicy
internal import HostValues

/// Decides whether a plugin may run in the sandbox that it gets: whether the kernel can enforce what is required, and
/// whether the configuration grants what the plugin needs.
///
/// It knows no plugins. What a partial sandbox lacks is logged once for the whole host.
struct SandboxGate {
    private let support: SandboxSupport
    private let log: any LogSink
    private var hasWarned = false

    /// Makes a gate for sandboxes that can enforce this much.
    init(_ support: SandboxSupport, log: any LogSink) {
        self.support = support
        self.log = log
    }

    /// The reason why a worker with one of these limits is impossible: its sandbox is required to be complete, and the
    /// kernel cannot do that. If a partial sandbox is allowed, what is missing is logged.
    mutating func gap(in limits: [WorkerLimits]) -> String? {
        let missing = support.missing
        if missing.isEmpty { return nil }
        for limits in limits {
            switch limits.sandbox.level {
            case .off: break
            case .on:
                if !hasWarned, let text = support.warning { log.write(.warning, "", text) }
                hasWarned = true
            case .required:
                return
                    "its sandbox is required, and on this kernel sandboxes do not cover \(missing.joined(separator: ", ")): "
                    + "use a newer kernel, or sandbox: \"on\" for as much as this one can"
            }
        }
        return nil
    }

    /// A message about the permissions that a plugin needs and its configuration does not grant; nil if none is missing.
    static func unmetNeeds(of description: PluginDescription, _ program: Program) -> String? {
        unmetNeeds(of: description, program.limits, at: program.isolation)
    }

    /// The same for workers with these limits.
    static func unmetNeeds(of description: PluginDescription, _ limits: [WorkerLimits], at isolation: Isolation)
        -> String?
    {
        let needs = description.needs.compactMap { SandboxNeed($0) }
        if needs.isEmpty { return nil }
        for limits in limits {
            let unmet = SandboxNeeds(
                needs, beside: limits.sandbox, folders: limits.sandbox.named,
                hasVariable: { WorkerEnvironment.keeps($0[...], []) })
            if unmet.isEmpty { continue }
            let file = isolation == .shared ? SettingsResolver.hostFile : description.id + ".json5"
            return "it needs more than its sandbox allows: \(unmet.line) in \(file) would allow it"
        }
        return nil
    }
}
