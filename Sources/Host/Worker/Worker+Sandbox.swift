internal import HostSystem
internal import HostWire

extension Worker {
    /// Enters the sandbox, on the only thread: no plugin is loaded yet. The process ends if the kernel does not enforce what it
    /// told the supervisor that it can.
    static func enterSandbox(hasRules: Bool, adding rules: [OwnRule]) {
        do {
            let memory = Descriptor(owning: Self.policyDescriptor)
            guard memory.isSealed else { WorkerFailure.die("worker: a sandbox that somebody could have changed") }
            let policy = try memory.readAll(limit: 4 << 20, subject: "sandbox")
            try memory.close(subject: "sandbox")
            guard hasRules else { return try Sandbox.apply(policy, ruleset: nil) }
            let ruleset = Ruleset(inherited: Descriptor(owning: Self.rulesetDescriptor))
            for rule in rules {
                // What is not there cannot be reached either.
                if let place = try Ruleset.Place(rule.path) { try ruleset.allow(rule.rights, at: place) }
            }
            // The number alone keeps nothing open.
            try withExtendedLifetime(ruleset) { try Sandbox.apply(policy, ruleset: ruleset.descriptor.raw) }
        } catch {
            WorkerFailure.die("worker: \(error)")
        }
    }
}
