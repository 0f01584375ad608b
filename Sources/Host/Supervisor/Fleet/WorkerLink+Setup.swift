internal import HostPolicy
internal import HostSystem
internal import HostValues

extension WorkerLink {
    /// What a worker is started with.
    struct Setup {
        var name: String
        var ledgerName: String
        /// Where its crash report is written, and the program that writes it; nil if none is wanted.
        var crashReport: (paper: ReportPaper, backtracer: String)?
        var logLevel: Int32
        var limits: WorkerLimits
        /// The control groups that it joins.
        var groups = GroupMembership()
        /// The user that it becomes; nil if it stays the host's.
        var user: UInt32?
        /// The owner of its folders, and the folder of its disk caches.
        var home: WorkerHome?
        var caches: String?
        /// The path of the file that it loads.
        var copy = ""
        /// Where what it needs to enter its sandbox comes from.
        var sandbox = SandboxSource.none
        /// What is to be done while its process starts, before it is told anything.
        var prepare: (() throws(SystemError) -> Void)?
        /// What says until when leases are valid; nil if the host is in no cluster.
        var leases: LeasePage?
        /// The library search of its dynamic linker.
        var libraries = LibrarySearch()
        /// The mark that identifies its processes.
        var mark = HostMark(pid: HostProcess.pid, number: 0)
        /// Further environment variables, `NAME=value`.
        var variables: [String] = []

        /// The arguments of its process.
        func arguments(hasRules: Bool) -> [String] {
            ["schedhost", "worker", "\(logLevel)", "\(HostProcess.pid)"] + limits.arguments + groups.arguments
                + (user.map { ["user=\($0)"] } ?? []) + (leases == nil ? [] : ["leases"])
                + (hasRules ? ["rules"] : []) + (crashReport.map { ["report=\($0.paper.number)"] } ?? []) + [name]
        }

        /// Its environment: the host's without the service manager's variables, with the settings of the backtracer.
        var environment: [String] {
            let names = variables.map { $0.prefix { $0 != "=" } + "=" }
            let host =
                limits.sandbox.level == .off
                ? WorkerLink.inherited : WorkerLink.judged.entries(with: limits.sandbox.environment)
            let others = host.filter { entry in !names.contains { entry.hasPrefix($0) } }
            let own = LibraryPath.environment(others, with: libraries) + [mark.entry]
            guard let (paper, backtracer) = crashReport else { return own + ["SWIFT_BACKTRACE=enable=no"] + variables }
            return own + [
                "SWIFT_BACKTRACE=enable=yes,format=json,interactive=no,color=no,threads=crashed,images=none,"
                    + "registers=none,output-to=\(paper.path),swift-backtrace=\(backtracer)"
            ] + variables
        }
    }

    /// The host's environment without what is for itself alone.
    static let inherited = ServiceManager.environmentForOthers(HostProcess.environment())
        .filter { !$0.hasPrefix("SWIFT_BACKTRACE=") && !$0.hasPrefix("\(HostMark.variable)=") }

    private static let judged = WorkerEnvironment(inherited)
}
