internal import HostInspection
internal import HostPolicy
internal import HostValues
internal import HostWire

/// One plugin file, or what runs of one; of a plugin with several instances each has an entry of its own.
final class PluginEntry {
    /// Where it stands.
    enum State {
        /// These, of the same file or the same content, have not ended yet.
        case waiting(for: Set<Int>)
        /// Its description is awaited.
        case describing
        /// It is described, and waits for the end of the one that had its name.
        case held(PluginDescription)
        /// Its routines can begin.
        case ready(Program, PluginDescription)
        /// It cannot be loaded, or its configuration is wrong: why. Perhaps another one has its name.
        case refused(String, PluginDescription?, nameTakenBy: Int?)
        /// Its file is gone or another one: what runs of it is ending.
        case retiring(PluginDescription?)
    }

    let number: Int
    let file: PluginFile
    /// The name of its bytes, and of the copy that workers load.
    let hash: String
    /// Which instance of its plugin it is; nil: the plugin as itself, or it is not known yet whether there are any.
    var instance: String?
    var state = State.describing
    /// What is configured for it alone.
    var configuration = PluginLayers()
    /// What it will probably call itself, before that is known: a name that is configured.
    var expectedName: String?
    /// How often its worker was killed from outside while it was described.
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

    /// The plugin's id, or before it is known the file's name without its ending.
    var plugin: String { description?.id ?? PluginNames.stem(file.name) }
    /// What it is called everywhere: that, with its instance.
    var name: String { InstanceName.whole(plugin, instance) }

    var isRetiring: Bool { if case .retiring = state { true } else { false } }
    var isReady: Bool { if case .ready = state { true } else { false } }
    /// It is not known yet what it calls itself.
    var isUndecided: Bool {
        switch state {
        case .waiting, .describing: true
        case .held, .ready, .refused, .retiring: false
        }
    }
    var isDescribing: Bool { if case .describing = state { true } else { false } }

    /// Whether another one is of the same file, as an instance of the same plugin is.
    func isSibling(of other: PluginEntry) -> Bool { file.name == other.file.name && hash == other.hash }

    /// Whether this one must have ended before another one may begin: it is of the same file or content, and the same
    /// instance, unless one of the two is all of the plugin.
    func precedes(_ next: PluginEntry) -> Bool {
        isRetiring && (file.name == next.file.name || hash == next.hash)
            && (instance == nil || next.instance == nil || instance == next.instance || !isSibling(of: next))
    }

    /// As `status` has it.
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
