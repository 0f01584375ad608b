internal import HostCore
internal import HostSystem

/// One plugin file of the directory, as the supervisor knows it.
final class PluginEntry {
    /// Where it stands.
    enum State: Equatable {
        /// The one before it, of the same file or the same content, has not ended yet.
        case waiting
        /// Its description is awaited.
        case describing
        /// Its routines are known.
        case ready
        /// It cannot be loaded, or its configuration is wrong: why.
        case refused(String)
        /// Its file is gone or another one: what runs of it is ending.
        case removed
    }

    let number: Int
    /// The file's name in the directory.
    let fileName: String
    /// What was found in it.
    let file: PluginFile
    /// The name of its bytes, and of the private copy that workers load.
    let hash: String
    /// What workers load.
    let loadPath: String
    var state = State.describing
    /// What it will probably call itself, before that is known: a name that is configured.
    var expectedName: String?
    /// How often its worker was killed from outside at the first look.
    var killedLooks = 0
    var description: PluginDescription?
    var configuration = PluginConfiguration()
    /// What holds for each of its routines, once they are known.
    var settings: [EffectiveSettings] = []
    /// The number of the plugin that has its name: it is tried again when that one goes.
    var shadowedBy: Int?
    /// It is described, and waits for the end of the one that had its name.
    var isHeld = false
    /// What it waits for before it is loaded.
    var predecessors: Set<Int> = []

    init(number: Int, file: PluginFile, hash: String, loadPath: String) {
        self.number = number
        fileName = file.name
        self.file = file
        self.hash = hash
        self.loadPath = loadPath
    }

    /// The plugin's id, or before it is known the file's name without its ending.
    var name: String { description?.id ?? Self.stem(fileName) }

    private static func stem(_ name: String) -> String {
        name.hasSuffix(".so") ? String(name.dropLast(3)) : name
    }

    /// Names that a plugin in a file of that name is likely to have: for `libMarketPoller.so` that, without `lib`, and
    /// `market-poller`.
    static func likelyNames(of file: String) -> [String] {
        let stem = stem(file)
        let bare = stem.hasPrefix("lib") ? String(stem.dropFirst(3)) : stem
        var dashed = ""
        var wasLower = false
        for character in bare {
            if character.isUppercase, wasLower { dashed += "-" }
            wasLower = !character.isUppercase
            dashed += character.lowercased()
        }
        var names: [String] = []
        for name in [stem, bare, dashed] where !name.isEmpty && !names.contains(name) { names.append(name) }
        return names
    }

    /// What decides whether a routine is still the same: its plugin's bytes, the ABI, and what files configure for it.
    func content(for settings: EffectiveSettings) -> String {
        "\(hash)-abi\(file.abiMajor)-\(settings.fileContent)"
    }
}

extension EffectiveSettings {
    /// A name for all that configuration files set, wherever they set it.
    fileprivate var fileContent: String {
        var lines: [String] = []
        for (key, value) in settings {
            if case .file = value.origin { lines.append("\(key.rawValue)=\(value.value)") }
        }
        for (name, value) in params {
            if case .file = value.origin { lines.append("params.\(name)=\(value.value.json)") }
        }
        return ContentHash.name(of: lines.sorted().joined(separator: "\n"))
    }

    /// Whether the same holds, from whatever source.
    func isSame(as other: EffectiveSettings) -> Bool {
        settings.mapValues(\.value) == other.settings.mapValues(\.value)
            && params.mapValues(\.value) == other.params.mapValues(\.value)
    }
}
