internal import CHostSystem
internal import Glibc

/// What keeps a process from touching what is not its own: Landlock for files, ports and signals, seccomp for system calls.
/// landlock(7), seccomp(2).
public enum Sandbox {
    /// What the kernel can enforce.
    public struct Support: Equatable, Sendable {
        /// Rights to files, as the kernel's bits.
        public var files: UInt64
        /// Rights to ports.
        public var ports: UInt64
        /// Scopes.
        public var scopes: UInt64
        /// The version of Landlock; 0: there is none.
        public var abi: Int32 = 0
        /// Whether system calls can be filtered.
        public var hasFilters = false

        /// Bits that are wanted.
        public init(files: UInt64, ports: UInt64, scopes: UInt64) {
            self.files = files
            self.ports = ports
            self.scopes = scopes
        }
    }

    /// Which of these bits the kernel takes, each by itself where it does not take all.
    public static func ask(_ wanted: Support) -> Support {
        var asked = chs_sandbox_support(
            files: wanted.files, ports: wanted.ports, scopes: wanted.scopes, abi: 0, filters: 0)
        unsafe chs_sandbox_ask(&asked)
        var support = Support(files: asked.files, ports: asked.ports, scopes: asked.scopes)
        support.abi = asked.abi
        support.hasFilters = asked.filters != 0
        return support
    }

    /// Applies a policy to the calling thread, and to all that it will start, for good. Its bytes are as
    /// CHostSystemSandbox.h says. Needs `gainNoPrivileges`.
    public static func apply(_ policy: [UInt8]) throws(SystemError) {
        var policy = policy
        var step: UnsafePointer<CChar>?
        let result = unsafe policy.withUnsafeMutableBytes { bytes in
            unsafe chs_sandbox_apply(bytes.baseAddress, bytes.count, &step)
        }
        guard result != 0 else { return }
        let number = chs_errno()
        let name = unsafe step.map { unsafe String(cString: $0) } ?? "sandbox"
        throw SystemError(name, "sandbox", number: number)
    }
}
