/// What a host does with processes that became its children without being started by it.
///
/// A host is the subreaper of its workers, so what a dead worker's plugin had started comes to it, and is killed. But as
/// the first process of a container, or when a script started something before it executed the host, or when a hook left a
/// mailer in the background, others come to it too, and those are nobody's to kill.
public struct Adoption: Sendable {
    /// What happens to it.
    public enum Fate: Equatable, Sendable {
        /// It descends from a worker, which is dead: SIGKILL.
        case kill
        /// It is none of a worker's. It is reaped when it has ended.
        case leave
    }

    private let inherited: Set<Int32>
    /// Whether all that can ever be adopted descends from workers.
    private var comesFromWorkersAlone: Bool

    /// Begins when the host does: with its own place, and the children that it had before it started any.
    public init(isFirstProcess: Bool, inherited: [Int32]) {
        self.inherited = Set(inherited)
        comesFromWorkersAlone = !isFirstProcess && inherited.isEmpty
    }

    /// A hook has run: what it left in the background may come to the host at any time.
    public mutating func hookHasRun() { comesFromWorkersAlone = false }

    /// What to do with a child that the host did not start. `isMarked`: its environment has the host's mark (`HostMark`); nil where the system does not tell, such as where /proc is missing.
    public func fate(of pid: Int32, isMarked: Bool?) -> Fate {
        if inherited.contains(pid) { return .leave }
        if comesFromWorkersAlone { return .kill }
        // A plugin's process that has left its group and thrown away its environment is left alone here: where the worker
        // has a control group, that finds it.
        return isMarked == true ? .kill : .leave
    }
}
