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

    /// The paths of a worker's folders, which may not be there yet.
    func place(of home: WorkerHome) -> Place {
        let caches = HostProcess.absolute(state.child("cache")) + "/v1"
        let data = HostProcess.absolute(state.child("data"))
        switch home {
        case .everybody: return Place(caches: caches, data: data)
        case .plugin(let plugin):
            let name = "/" + CacheName.encode(plugin)
            return Place(caches: caches + name, data: data + name)
        case .routine(let plugin, let routine):
            let name = "/" + CacheName.encode(plugin)
            return Place(
                caches: caches + name + "/" + CacheName.encode(routine), data: data + name,
                sharedCaches: caches + name + "/" + CacheName.encode(""))
        }
    }

    /// Creates the missing folders, without following links, and returns the paths. `user` is the plugin's own user; nil if it
    /// has none.
    func make(_ home: WorkerHome, user: UInt32? = nil) throws(SystemError) -> Place {
        let caches = try state.directory("cache", create: true).directory("v1", create: true)
        let data = try state.directory("data", create: true)
        switch home {
        case .everybody: break
        case .plugin(let plugin), .routine(let plugin, _):
            let name = CacheName.encode(plugin)
            let own = try caches.directory(name, create: true)
            try give(own, to: user)
            try give(try data.directory(name, create: true), to: user)
            guard case .routine(_, let routine) = home else { break }
            for routine in [routine, ""] {
                try give(try own.directory(CacheName.encode(routine), create: true), to: user)
            }
        }
        return place(of: home)
    }

    /// Removes what is empty of a plugin's folders, without following links.
    func removeEmpty(of plugin: String) {
        let name = CacheName.encode(plugin)
        try? state.directory("data").removeDirectory(name)
        guard let caches = try? state.directory("cache").directory("v1") else { return }
        if let own = try? caches.directory(name) {
            for routine in (try? own.names()) ?? [] { try? own.removeDirectory(routine) }
        }
        try? caches.removeDirectory(name)
    }

    private func give(_ folder: borrowing Directory, to user: UInt32?) throws(SystemError) {
        try users?.give(folder, to: user)
    }
}
