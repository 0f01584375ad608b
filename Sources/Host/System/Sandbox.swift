internal import CHostSystem
internal import Glibc

/// Confines a process to what its policy allows: Landlock for files, ports and signals, seccomp for system calls.
/// landlock(7), seccomp(2).
public enum Sandbox {
    /// The restrictions that the kernel can enforce.
    public struct Support: Equatable, Sendable {
        /// File access rights, as the kernel's bits.
        public var files: UInt64
        /// Network port rights, as the kernel's bits.
        public var ports: UInt64
        /// Scopes (signals, abstract sockets), as the kernel's bits.
        public var scopes: UInt64
        /// The version of Landlock's ABI; 0 if there is no Landlock.
        public var abi: Int32 = 0
        /// Whether the kernel can filter system calls.
        public var hasFilters = false

        /// Makes a set of wanted bits.
        public init(files: UInt64, ports: UInt64, scopes: UInt64) {
            self.files = files
            self.ports = ports
            self.scopes = scopes
        }
    }

    /// The subset of the wanted bits that this kernel supports. If it does not accept all of them together, each is
    /// tested by itself.
    public static func ask(_ wanted: Support) -> Support {
        var asked = chs_sandbox_support(
            files: wanted.files, ports: wanted.ports, scopes: wanted.scopes, abi: 0, filters: 0)
        unsafe chs_sandbox_ask(&asked)
        var support = Support(files: asked.files, ports: asked.ports, scopes: asked.scopes)
        support.abi = asked.abi
        support.hasFilters = asked.filters != 0
        return support
    }

    /// Irrevocably applies a policy to the calling thread and to all threads and processes that it starts, with the rules
    /// for files, ports and signals of a `Ruleset`, if there are any: that is the number of its descriptor.
    /// CHostSystemSandbox.h defines the format of the bytes. Requires `gainNoPrivileges`.
    public static func apply(_ policy: [UInt8], ruleset: Int32?) throws(SystemError) {
        var policy = policy
        var step: UnsafePointer<CChar>?
        let result = unsafe policy.withUnsafeMutableBytes { bytes in
            unsafe chs_sandbox_apply(bytes.baseAddress, bytes.count, ruleset ?? -1, &step)
        }
        guard result != 0 else { return }
        let error = chs_errno()
        let name = unsafe step.map { unsafe String(cString: $0) } ?? "sandbox"
        throw SystemError(name, "sandbox", number: error)
    }
}
