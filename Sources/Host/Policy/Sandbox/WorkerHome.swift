/// Whose folders a worker has: known before it is started, since a sandbox cannot be widened.
public enum WorkerHome: Hashable, Sendable {
    /// Those of the plugin of that id.
    case plugin(String)
    /// Those of one routine.
    case routine(plugin: String, routine: String)
    /// Those of all plugins: of a worker that they share.
    case everybody
}
