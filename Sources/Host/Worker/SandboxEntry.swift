internal import HostSystem

/// A worker's way into its sandbox, which its supervisor makes while the worker's process starts. The worker loads no plugin
/// before it has passed.
enum SandboxEntry {
    /// The policy is still to come, and rules for files, ports and signals, if the kernel can enforce any, before it.
    case awaited(rules: PassedDescriptor?)
    /// The worker is in its sandbox, or is to have none.
    case passed

    /// Enters the sandbox of a policy; call it while the process has a single thread. The process ends if the kernel does not
    /// enforce what it told the supervisor that it can.
    mutating func enter(by policy: PassedDescriptor?) {
        guard let policy, case .awaited(let rules) = self else {
            WorkerFailure.die("worker: a sandbox that it was not to have, or without its policy")
        }
        do {
            let bytes = try policy.descriptor.readAll(limit: 4 << 20, subject: "sandbox")
            try Sandbox.apply(bytes, ruleset: rules?.descriptor.raw)
        } catch {
            WorkerFailure.die("worker: \(error)")
        }
        self = .passed
    }
}
