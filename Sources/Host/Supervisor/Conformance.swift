public import HostInspection
public import HostPolicy
public import HostSystem
public import HostValues
internal import HostWire

/// Examines a plugin by running it: twice the whole life of each routine, and 1000 cycles without a wait.
///
/// In its workers the table of host functions is followed by an inaccessible page, so that a plugin that calls a
/// function which this host does not have, without asking for it, is found.
public struct Conformance {
    /// The result of an examination.
    public struct Findings: Sendable {
        /// The faults that the plugin's author should correct; empty for a good plugin.
        public var faults: [String] = []
        /// What could not be examined, and why.
        public var notes: [String] = []
    }

    /// The number of cycles before the first measurement of resources, and between two measurements.
    private static let warmUp: UInt64 = 200
    private static let cycles: UInt64 = 1000
    /// The number of successive measurements in which a resource must grow to be called leaked.
    private static let rounds = 4
    /// The growth of memory in KiB over 1000 cycles that is tolerated.
    private static let mostGrowth = 256

    private let file: PluginFile
    private let folder: String
    private let description: PluginDescription
    private let state: String
    private let clock: any HostClock

    /// Examines a file that `PluginProbe.look` has accepted. Takes some seconds; the routines really do their work.
    /// `store`: the settings by which a plugin that offers a store finds its server; nil for other plugins.
    public static func examine(
        _ file: PluginFile, _ description: PluginDescription, store: EffectiveSettings? = nil, in folder: String,
        clock: any HostClock
    ) throws(SystemError) -> Findings {
        let folderOfAll = HostProcess.environment("TMPDIR") ?? "/tmp"
        let state = try Directory.makeTemporary("schedhost-check", in: HostProcess.absolute(folderOfAll)).path
        defer { Directory.removeTemporary(state) }
        let conformance = Conformance(file: file, folder: folder, description: description, state: state, clock: clock)
        var findings = conformance.attempt("", conformance.wholeLife)
        findings.faults = description.parameters.compactMap(\.problem) + findings.faults
        if let store, findings.faults.isEmpty {
            let tried = conformance.attempt("", with: store.limits.sandbox) { worker in
                try worker.load(parameters: store.paramsJSON)
                let found = try StoreExamination.examine(worker)
                try worker.quit()
                return found
            }
            findings.notes += tried.notes
            findings.faults += tried.faults
        }
        if findings.faults.isEmpty {
            findings.faults = conformance.attempt("the second time: ", conformance.again).faults
        }
        return findings
    }

    /// What a plugin needs of its sandbox beyond its configuration.
    public struct Needs: Sendable {
        /// The settings that would grant it, as configuration text; nil if the plugin needs none.
        public var block: String?
        /// What could not be examined, and why.
        public var notes: [String] = []
    }

    /// Runs a few cycles of each routine with everything allowed, and reports what a sandbox would have refused.
    /// `settings`: the effective settings of each routine.
    public static func needs(
        of file: PluginFile, _ description: PluginDescription, settings: [EffectiveSettings], in folder: String,
        clock: any HostClock
    ) throws(SystemError) -> Needs {
        let folderOfAll = HostProcess.environment("TMPDIR") ?? "/tmp"
        let state = try Directory.makeTemporary("schedhost-check", in: HostProcess.absolute(folderOfAll)).path
        defer { Directory.removeTemporary(state) }
        let conformance = Conformance(file: file, folder: folder, description: description, state: state, clock: clock)
        let watch = SandboxWatch()
        var sandbox = settings.first?.limits.sandbox ?? SandboxSettings()
        sandbox.level = .on
        var needs = Needs()
        do {
            let worker = try CheckWorker(file, in: folder, state: state, clock: clock, watch: watch, settings: sandbox)
            var findings = Findings()
            try worker.load(parameters: settings.first?.paramsJSON ?? "{}")
            for (index, settings) in settings.enumerated() {
                _ = try conformance.fewCycles(
                    index, description.routines[index].name, worker, &findings, parameters: settings.paramsJSON)
            }
            try worker.quit()
            needs.notes = findings.notes
        } catch let fault as CheckWorker.Fault {
            needs.notes.append(fault.text)
        } catch {
            needs.notes.append("\(error)")
        }
        if !watch.hasListened {
            needs.notes.append("this kernel does not tell what a process does (Linux 5.6, seccomp)")
        }
        let own = HostProcess.resolved(state) ?? state
        let all = watch.needs.union(description.needs.compactMap { SandboxNeed($0) })
        let beyond = all.filter { $0.kind == .syscalls && SandboxRefusal.isBeyondSettings($0.value) }
        if !beyond.isEmpty {
            let calls = beyond.map(\.value).sorted().joined(separator: ", ")
            needs.notes.append("it calls \(calls), which no setting but sandbox: \"off\" allows")
        }
        // A folder with the plugins in it would give nothing.
        let plugins = HostProcess.resolved(folder) ?? HostProcess.absolute(folder)
        let around = all.filter { $0.kind == .write && PlainPath.isBeneath(plugins, $0.value) }
        for wide in around.map(\.value).sorted() {
            needs.notes.append(
                "it makes files in \(wide), where the plugins are too, which no setting allows: let it write to a folder beside "
                    + "them, or name one in its params")
        }
        let found = SandboxNeeds(
            all.subtracting(beyond).subtracting(around), beside: sandbox,
            folders: [own] + SandboxMaker.folders(named: sandbox.named, beside: folder),
            hasVariable: { WorkerEnvironment.keeps($0[...], []) })
        if !found.isEmpty { needs.block = found.block }
        return needs
    }

    private init(
        file: PluginFile, folder: String, description: PluginDescription, state: String, clock: any HostClock
    ) {
        self.clock = clock
        self.file = file
        self.folder = folder
        self.description = description
        self.state = state
    }

    /// Calls `body` with a new worker, which is gone afterwards.
    private func attempt(
        _ prefix: String, with sandbox: SandboxSettings = SandboxSettings(level: .on),
        _ body: (CheckWorker) throws -> Findings
    ) -> Findings {
        var findings = Findings()
        do {
            let settings = sandbox.granting(description.needs.compactMap { SandboxNeed($0) })
            findings = try body(try CheckWorker(file, in: folder, state: state, clock: clock, settings: settings))
        } catch let fault as CheckWorker.Fault {
            findings.faults.append(fault.text)
        } catch {
            findings.faults.append("\(error)")
        }
        findings.faults = findings.faults.map { prefix + $0 }
        return findings
    }

    /// The parameters of a routine; those of the plugin itself if it has none, because it offers a store.
    private func parameters(of routine: Int) -> String {
        let described = description.routines.indices.contains(routine) ? description.routines[routine] : .absent
        return EffectiveSettings(of: described, in: description).paramsJSON
    }

    /// Examines the whole life: load, three sessions of each routine, leaks, unload.
    private func wholeLife(_ worker: CheckWorker) throws -> Findings {
        var found = Findings()
        try worker.load(parameters: parameters(of: 0))
        for index in description.routines.indices {
            let name = description.routines[index].name
            if try !fewCycles(index, name, worker, &found) { continue }
            try stopInSleep(index, name, worker, &found)
            if try !fewCycles(index, name, worker, &found) { continue }
            try manyCycles(index, name, worker, &found)
        }
        try worker.quit()
        return found
    }

    /// Runs each routine again in a new process, which finds what the first one left.
    private func again(_ worker: CheckWorker) throws -> Findings {
        var found = Findings()
        try worker.load(parameters: parameters(of: 0))
        for index in description.routines.indices {
            _ = try fewCycles(index, description.routines[index].name, worker, &found)
        }
        found.notes = []  // they repeat those of the first time
        try worker.quit()
        return found
    }

    /// Runs three cycles; returns false if the routine cannot be examined further.
    private func fewCycles(
        _ index: Int, _ name: String, _ worker: CheckWorker, _ found: inout Findings, parameters: String? = nil
    ) throws -> Bool {
        try worker.start(index, wait: 0, cycles: 3, parameters: parameters ?? self.parameters(of: index))
        var ended = try worker.ended(name, within: 5000)
        if ended == nil {
            found.notes.append("\(name): three cycles take longer than 5 s; its longer runs were not examined")
            try worker.stop(index)
            ended = try worker.ended(name, within: 3000)
            guard ended != nil else { throw worker.fault("\(name), asked to stop,", limit: 3000) }
            return false
        }
        guard let ended, ended.reason.end == .error else { return true }
        let phase = ended.reason.phase.map { " in \($0)" } ?? ""
        found.notes.append(
            "\(name): fails\(phase) with its defaults (\(worker.explained(ended.reason.text))); its longer runs were not examined"
        )
        return false
    }

    /// Stops the session while it waits for its next cycle.
    private func stopInSleep(_ index: Int, _ name: String, _ worker: CheckWorker, _ found: inout Findings) throws {
        try worker.start(index, wait: 3_600_000, cycles: 0, parameters: parameters(of: index))
        _ = try worker.hasCycled(index, what: name, within: 3000)
        try worker.stop(index)
        guard try worker.ended(name, within: 3000) != nil else {
            throw worker.fault("\(name), asked to stop,", limit: 3000)
        }
    }

    /// Examines which resources grow over 1000 cycles.
    private func manyCycles(_ index: Int, _ name: String, _ worker: CheckWorker, _ found: inout Findings) throws {
        guard try run(Self.warmUp, index, name, worker, &found) else { return }
        // A leak grows in every round. A pool of threads, connections or memory grows now and then, and then stops.
        var leaks: CheckWorker.ResourceUsage?
        for _ in 0..<Self.rounds {
            let before = worker.holdings
            guard try run(Self.cycles, index, name, worker, &found) else { return }
            let growth = worker.holdings.growth(since: before, freeThreads: 1, freeMemory: Self.mostGrowth)
            leaks = leaks.map { $0.least(growth) } ?? growth
            if leaks?.isNone == true { return }
        }
        guard let leaks else { return }
        func leak(_ count: Int, _ what: String) {
            if count == 0 { return }
            found.faults.append("\(name): \(count) \(what) more after \(Self.cycles) cycles and a stop: it leaks them")
        }
        leak(leaks.descriptors, "open descriptors")
        leak(leaks.threads, "threads")
        leak(leaks.memory, "KiB of memory")
    }

    private func run(_ cycles: UInt64, _ index: Int, _ name: String, _ worker: CheckWorker, _ found: inout Findings)
        throws -> Bool
    {
        try worker.start(index, wait: 0, cycles: cycles, parameters: parameters(of: index))
        if let ended = try worker.ended(name, within: 10_000) { return ended.cycles == cycles }
        found.notes.append("\(name): \(cycles) cycles take longer than 10 s; what it leaks was not examined")
        try worker.stop(index)
        guard try worker.ended(name, within: 3000) != nil else {
            throw worker.fault("\(name), asked to stop,", limit: 3000)
        }
        return false
    }
}
