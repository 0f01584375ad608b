public import HostPolicy

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
}
