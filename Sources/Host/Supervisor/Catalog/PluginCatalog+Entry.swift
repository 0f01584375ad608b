internal import HostInspection
internal import HostPolicy
internal import HostValues

extension PluginCatalog {
    /// One plugin file, or what runs of one.
    final class Entry {
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
        var state = State.describing
        /// What is configured for it alone.
        var configuration = PluginLayers()
        /// What it will probably call itself, before that is known: a name that is configured.
        var expectedName: String?
        /// How often its worker was killed from outside while it was described.
        var killed = 0

        init(number: Int, file: PluginFile, hash: String) {
            self.number = number
            self.file = file
            self.hash = hash
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
        var name: String { description?.id ?? PluginNames.stem(file.name) }

        var isRetiring: Bool { if case .retiring = state { true } else { false } }
        /// It is not known yet what it calls itself.
        var isUndecided: Bool {
            switch state {
            case .waiting, .describing: true
            case .held, .ready, .refused, .retiring: false
            }
        }
        var isDescribing: Bool { if case .describing = state { true } else { false } }
    }
}
