internal import HostInspection
internal import HostPolicy
internal import HostValues
internal import HostWire

/// A plugin file and what runs of it; each instance of a plugin has an entry of its own.
final class PluginEntry {
    /// The entry's state. Indirect, so that looking at it copies nothing: with a thousand plugins each one's description is
    /// compared with all others.
    indirect enum State {
        /// These entries, of the same file or the same content, must end first.
        case waiting(for: Set<Int>)
        /// A worker was asked for the description, which has not come yet.
        case describing
        /// The plugin is described, and waits because another file has its name, or may have a better claim to it.
        case held(PluginDescription)
        /// The routines can run.
        case ready(Program, PluginDescription)
        /// The plugin cannot be loaded or its configuration is invalid; the text says why. `nameTakenBy` is the plugin
        /// that has its name, if that is the reason.
        case refused(String, PluginDescription?, nameTakenBy: Int?)
        /// The file is gone or was replaced, and what runs of it is ending.
        case retiring(PluginDescription?)
    }

    let number: Int
    let file: PluginFile
    /// The name of the content, and of the copy that workers load.
    let hash: String
    /// The plugin's instance; nil for the plugin as a whole, or while it is unknown whether there are instances.
    var instance: String?
    var state = State.describing { didSet { id = description?.id } }
    /// The plugin's own name; nil before the description.
    private(set) var id: String?
    /// The configuration for this entry alone.
    var configuration = PluginLayers()
    /// The plugin's configuration, while it is refused; in `configuration` is what was read before.
    var refused: HostStatus.RefusedConfiguration?
    /// The likely name of the plugin, from a configuration, before its description.
    var expectedName: String?
    /// How often its worker was killed from outside during the description.
    var killed = 0

    init(number: Int, file: PluginFile, hash: String, instance: String?) {
        self.number = number
        self.file = file
        self.hash = hash
        self.instance = instance
    }

    var description: PluginDescription? {
        switch state {
        case .waiting, .describing: nil
        case .held(let description): description
        case .ready(_, let description): description
        case .refused(_, let description, _), .retiring(let description): description
        }
    }

    /// The plugin's id; before the description, the file's name without its suffix.
    var plugin: String { id ?? PluginNames.stem(file.name) }
    /// The plugin's id with its instance, as shown everywhere.
    var name: String { InstanceName.fullName(plugin, instance) }

    var isRetiring: Bool { if case .retiring = state { true } else { false } }
    var isReady: Bool { if case .ready = state { true } else { false } }
    /// Whether the plugin's own name is still unknown.
    var isUndecided: Bool {
        switch state {
        case .waiting, .describing: true
        case .held, .ready, .refused, .retiring: false
        }
    }
    var isDescribing: Bool { if case .describing = state { true } else { false } }

    /// Whether the other entry is of the same file and content, as an instance of the same plugin is.
    func isSibling(of other: PluginEntry) -> Bool { file.name == other.file.name && hash == other.hash }

    /// Whether this entry must end before the other one may begin: it is of the same file or content, and of the same
    /// instance, or one of the two is the plugin as a whole.
    func precedes(_ next: PluginEntry) -> Bool {
        isRetiring && (file.name == next.file.name || hash == next.hash)
            && (instance == nil || next.instance == nil || instance == next.instance || !isSibling(of: next))
    }

    /// The entry for the host's status.
    var status: HostStatus.Plugin {
        let (text, why): (String, String?) =
            switch state {
            case .waiting, .describing, .held: ("loading", nil)
            case .ready: ("ready", nil)
            case .refused(let why, _, _): ("refused", why)
            case .retiring: ("removed", nil)
            }
        var routines = 0
        if case .ready(let program, _) = state { routines = program.routines.count }
        return HostStatus.Plugin(
            id: name, file: file.name, version: description?.version ?? "", state: text, why: why, routines: routines)
    }
}
