internal import HostSystem
internal import HostValues
internal import Synchronization

/// Gives the folders of workers to their users. What takes longer than the loop may wait is done on a thread of its own, and
/// the worker is started when it is done.
final class FileHandovers {
    private enum State {
        case underWay
        /// Either what keeps its owner, or why the folder could not be given.
        case done(kept: [String], SystemError?)
    }

    /// The states by the folder's path. A class, so that the threads can share it.
    private final class Table: Sendable {
        let states = Mutex<[String: State]>([:])
    }

    /// The number of entries that are given while the loop waits: about a millisecond.
    private static let most = 100

    private let table = Table()
    private let isDone: @Sendable () -> Void

    /// `isDone` is called on a thread of its own whenever a folder was given that took longer.
    init(isDone: @escaping @Sendable () -> Void = {}) { self.isDone = isDone }

    /// Gives a folder with all in it whose owner `accepts` takes. Returns the paths of what keeps its owner. Throws an error
    /// that `isUnderWay` while that goes on beside the loop: then it is to be called again later.
    func give(_ folder: borrowing Directory, to user: UInt32, accepts: @escaping @Sendable (UInt32) -> Bool)
        throws(SystemError) -> [String]
    {
        let path = folder.path
        switch table.states.withLock({ $0[path] }) {
        case .underWay: throw Self.underWay(path, user)
        case .done(let kept, let fault):
            table.states.withLock { $0[path] = nil }
            if let fault { throw fault }
            // It may have got other files meanwhile.
            if try folder.descriptor.status(subject: path).owner == user { return kept }
        case nil: break
        }
        var left = Self.most
        do throws(SystemError) {
            return try folder.give(to: user, accepts: accepts) {
                left -= 1
                return left >= 0
            }
        } catch {
            guard error.isUnderWay else { throw error }
        }
        let again = try folder.again()
        table.states.withLock { $0[path] = .underWay }
        do throws(SystemError) {
            try Thread.start(name: "files") { [table, isDone] in
                let state: State
                do throws(SystemError) {
                    state = .done(kept: try again.give(to: user, accepts: accepts), nil)
                } catch {
                    state = .done(kept: [], error)
                }
                table.states.withLock { $0[path] = state }
                isDone()
            }
        } catch {
            table.states.withLock { $0[path] = nil }
            throw error
        }
        throw Self.underWay(path, user)
    }

    private static func underWay(_ path: String, _ user: UInt32) -> SystemError {
        SystemError(
            "sandbox_users", "what is in \(path) is being given to user \(user), since its plugin has that user now",
            number: SystemError.underWay)
    }
}
