/// The owner of a worker's directories. It must be known before the worker starts, because a sandbox cannot be widened.
public enum WorkerHome: Hashable, Sendable {
    /// The plugin with that id.
    case plugin(String)
    /// One routine.
    case routine(plugin: String, routine: String)
    /// All plugins, for a worker that they share.
    case everybody

    /// The plugin whose folders they are; nil if they are everybody's.
    public var plugin: String? {
        switch self {
        case .everybody: nil
        case .plugin(let plugin), .routine(let plugin, _): plugin
        }
    }
}
