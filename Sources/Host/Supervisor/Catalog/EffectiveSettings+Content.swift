internal import HostInspection
internal import HostPolicy
internal import HostValues

/// What decides whether edited settings are still the same.
extension EffectiveSettings {
    /// A hash of all settings from configuration files, independent of which file sets them.
    var fileContent: String {
        var lines: [String] = []
        for (key, value) in settings {
            if case .file = value.origin { lines.append("\(key.rawValue)=\(value.value)") }
        }
        for (name, value) in params {
            if case .file = value.origin { lines.append("params.\(name)=\(value.value.json)") }
        }
        return ContentHash.name(of: lines.sorted().joined(separator: "\n"))
    }

    /// Whether the effective values are equal, whatever their sources.
    func isSame(as other: EffectiveSettings) -> Bool {
        settings.mapValues(\.value) == other.settings.mapValues(\.value)
            && params.mapValues(\.value) == other.params.mapValues(\.value) && namedPaths == other.namedPaths
            && bounds == other.bounds
    }
}
