internal import HostPolicy
internal import HostStore
internal import HostSystem

/// The folders of a worker in the state directory: for its caches, and for its plugin's own data.
struct WorkerFolders: ~Copyable {
    private let state: Directory
    private let users: WorkerUsers?

    /// Makes the manager of the folders in that state directory.
    init(in state: borrowing Directory, users: WorkerUsers? = nil) throws(SystemError) {
        self.state = try Directory(state.path)
        self.users = users
    }

    /// The absolute paths of one worker's folders.
    struct Place: Equatable {
        let caches: String
        let data: String
        /// The folder of the caches that the routines of a plugin share, where the other one is a single routine's.
        var sharedCaches: String?
    }

    /// Creates the missing folders, without following links, and returns the paths. `user` is the plugin's own user; nil if it
    /// has none.
    func make(_ home: WorkerHome, user: UInt32? = nil) throws(SystemError) -> Place {
        let caches = try state.directory("cache", create: true).directory("v1", create: true)
        let data = try state.directory("data", create: true)
        func path(_ folder: borrowing Directory) -> String { HostProcess.absolute(folder.path) }
        switch home {
        case .everybody: return Place(caches: path(caches), data: path(data))
        case .plugin(let plugin), .routine(let plugin, _):
            let name = CacheName.encode(plugin)
            let own = path(try give(try caches.directory(name, create: true), to: user))
            let data = path(try give(try data.directory(name, create: true), to: user))
            guard case .routine(_, let routine) = home else { return Place(caches: own, data: data) }
            func inner(_ routine: String) throws(SystemError) -> String {
                let folder = try caches.directory(name).directory(CacheName.encode(routine), create: true)
                return path(try give(folder, to: user))
            }
            return Place(caches: try inner(routine), data: data, sharedCaches: try inner(""))
        }
    }

    private func give(_ folder: consuming Directory, to user: UInt32?) throws(SystemError) -> Directory {
        try users?.give(folder, to: user)
        return folder
    }
}
