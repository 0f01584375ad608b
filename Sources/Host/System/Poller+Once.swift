internal import CHostSystem
internal import Glibc

extension Poller.Readiness {
    /// Reports one event, including that the peer is gone, and then none until the descriptor is modified.
    /// epoll_ctl(2), `EPOLLONESHOT`.
    public static let once = Poller.Readiness(rawValue: EPOLLONESHOT.rawValue)
}
