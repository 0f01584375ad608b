/// Decides whether a process that has connected to the control socket gets answers. Pure.
///
/// Plugins run as the host's user, but their requests are not the operator's. So neither a worker nor a process that
/// descends from one gets an answer. If that cannot be determined, there is no answer either.
public struct ControlPeer: Sendable {
    /// Why a process gets no answer.
    public enum Refusal: Hashable, Sendable {
        /// It is this worker, or descends from it.
        case worker(Int32)
        /// A dead worker has left it, or an ancestor of it, to the host.
        case orphan
        /// It can gain no privileges, as the processes of plugins cannot, although the host can.
        case confined
        /// It has ended, so that nothing can be known about it.
        case gone

        /// A message for the log about the process with that id.
        public func line(_ pid: Int32) -> String {
            switch self {
            case .worker(let worker):
                "worker \(worker) asks on the control socket, which is for people: not answered"
            case .orphan:
                "process \(pid), which a plugin has left behind, asks on the control socket, which is for people: not answered"
            case .confined:
                "process \(pid) asks on the control socket, and has no_new_privs as the processes of plugins have: not answered; "
                    + "ask from a shell without it (NoNewPrivs in /proc/PID/status)"
            case .gone:
                "process \(pid) asked on the control socket and ended before the answer: not answered; it must wait for the answer"
            }
        }
    }

    private let host: Int32
    private let hostGainsNoPrivileges: Bool

    /// Creates the decision for a host.
    public init(host: Int32, hostGainsNoPrivileges: Bool) {
        self.host = host
        self.hostGainsNoPrivileges = hostGainsNoPrivileges
    }

    /// Why the process `pid` gets no answer; nil if it gets one. `ancestors` has its parent, its parent's parent and so
    /// on; nil if they cannot be determined. `gainsNoPrivileges` is nil if that cannot be determined.
    ///
    /// `isOrphan` is asked about the child of the host from which the process descends, unless that is a worker.
    public func refusal(
        of pid: Int32, ancestors: [Int32]?, gainsNoPrivileges: Bool?, isWorker: (Int32) -> Bool,
        isOrphan: (Int32) -> Bool
    ) -> Refusal? {
        // It is outside of the container in which the host and all that descends from it are.
        if pid == 0 { return nil }
        guard let ancestors, let gainsNoPrivileges else { return .gone }
        let family = [pid] + ancestors
        if let worker = family.first(where: isWorker) { return .worker(worker) }
        if gainsNoPrivileges, !hostGainsNoPrivileges { return .confined }
        if let place = family.firstIndex(of: host), place > 0, isOrphan(family[place - 1]) { return .orphan }
        return nil
    }
}
