public import HostPolicy

/// A sandbox in the words of a list.
public enum SandboxText {
    /// How strict it is, and what of it this kernel can enforce.
    public static func text(_ settings: EffectiveSettings) -> String {
        let level = settings.limits.sandbox.level
        let support = SandboxMaker.support
        if level == .off { return "sandbox: off" }
        let missing = support.missing.isEmpty ? "" : ", without " + support.missing.joined(separator: ", ")
        return "sandbox: \(level.rawValue) (Landlock ABI \(support.abi)\(missing))"
    }
}
