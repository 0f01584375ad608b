internal import HostPolicy
internal import HostStore
internal import HostSystem

/// The folders of a worker in the state directory: for its caches, and for its plugin's own data.
struct WorkerFolders: ~Copyable {
    private let state: Directory

    /// Makes the manager of the folders in that state directory.
    init(in state: borrowing Directory) throws(SystemError) { self.state = try Directory(state.path) }

    /// The absolute paths of one worker's folders.
    struct Place: Equatable {
        let caches: String
        let data: String
    }

    /// Creates the missing folders, without following links, and returns the paths.
    func make(_ home: WorkerHome) throws(SystemError) -> Place {
        let caches = try state.directory("cache", create: true).directory("v1", create: true)
        let data = try state.directory("data", create: true)
        func path(_ folder: borrowing Directory) -> String { HostProcess.absolute(folder.path) }
        switch home {
        case .everybody: return Place(caches: path(caches), data: path(data))
        case .plugin(let plugin):
            let name = CacheName.encode(plugin)
            return Place(
                caches: path(try caches.directory(name, create: true)),
                data: path(try data.directory(name, create: true)))
        case .routine(let plugin, let routine):
            let name = CacheName.encode(plugin)
            let folder = try caches.directory(name, create: true).directory(CacheName.encode(routine), create: true)
            return Place(caches: path(folder), data: path(try data.directory(name, create: true)))
        }
    }
}
