/// Decides what a host does with processes that became its children although it did not start them.
///
/// A host is the subreaper of its workers. So the processes that a dead worker's plugin left behind become its
/// children, and it kills them. But other processes may become its children too, which it must not kill: if it is the
/// first process of a container, if a script started something before it executed the host, or if a hook left a mailer
/// in the background.
public struct Adoption: Sendable {
    /// What happens to the process.
    public enum Fate: Equatable, Sendable {
        /// It descends from a dead worker: send SIGKILL.
        case kill
        /// It does not descend from a worker: only reap it after it has ended.
        case leave
    }

    private let inherited: Set<Int32>
    private let hostGainsNoPrivileges: Bool
    /// Whether all processes that can be adopted descend from workers.
    private var comesFromWorkersAlone: Bool

    /// Creates the decision when the host starts. `isFirstProcess` is whether the host is the first process of a
    /// container; `inherited` are the children that the host already had before it started any itself.
    /// `gainsNoPrivileges` is whether the host has no_new_privs, which a worker always has.
    public init(isFirstProcess: Bool, inherited: [Int32], gainsNoPrivileges: Bool = true) {
        self.inherited = Set(inherited)
        hostGainsNoPrivileges = gainsNoPrivileges
        comesFromWorkersAlone = !isFirstProcess && inherited.isEmpty
    }

    /// Reports that a hook has run: processes that it left in the background may become children of the host at any
    /// time.
    public mutating func hookHasRun() { comesFromWorkersAlone = false }

    /// Decides about a child that the host did not start. `isMarked` is whether its environment has the host's mark
    /// (`HostMark`), and `gainsNoPrivileges` whether it has no_new_privs; nil if that cannot be determined, for example
    /// because /proc is missing.
    public func fate(of pid: Int32, isMarked: Bool?, gainsNoPrivileges: Bool?) -> Fate {
        if inherited.contains(pid) { return .leave }
        if comesFromWorkersAlone { return .kill }
        // No process loses it, and all that descend from a worker have it.
        if gainsNoPrivileges == true, !hostGainsNoPrivileges { return .kill }
        // Where the host has it too, a plugin's process that has left its process group and cleared its environment is
        // not detected here. If the worker has a control group, the process is found through that.
        return isMarked == true ? .kill : .leave
    }
}
