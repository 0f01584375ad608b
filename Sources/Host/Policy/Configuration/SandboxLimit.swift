internal import HostValues

/// The most that a plugin's own file may grant to its plugin: `sandbox_limit` of `schedhost.json5`. It does not
/// restrict what the host's file grants. Pure.
public struct SandboxLimit: Equatable, Sendable {
    /// The sandbox keys that are bounded, with their bounds.
    var bounds: [SettingKey: Sourced<SettingValue>] = [:]

    /// Creates a limit that bounds nothing.
    public init() {}

    /// Throws an error for each permission of a plugin's file that exceeds the limit.
    func check(_ file: PluginConfiguration) throws(ConfigurationError) {
        var error = ConfigurationError()
        let instances = file.instances.values.map(\.configuration)
        let layers = ([file] + instances).flatMap { [$0.layer] + $0.routines.values.map(\.layer) }
        for layer in layers {
            for (key, value) in layer.settings where !allows(value.value, for: key) {
                guard case .file(let name, let position, let path) = value.origin, let bound = bounds[key] else {
                    continue
                }
                let message =
                    "is more than sandbox_limit allows (\(bound.value), \(bound.origin)): give it in plugins {} of "
                    + "schedhost.json5, or widen the limit there"
                error.add(ConfigurationProblem(file: name, position: position, keyPath: path, message: message))
            }
        }
        if !error.problems.isEmpty { throw error.inOrder }
    }

    /// Whether the plugin may write to a path that a file gives as a parameter.
    func allows(_ given: GivenPath) -> Bool {
        guard let bound = bounds[.sandboxWrite], case .texts(let most) = bound.value, given.file != file(of: bound)
        else { return true }
        return most.contains { Self.isBeneath(given.path, $0) }
    }

    /// The bounds of the paths that only the plugin's own file gives, in these layers or as parameters.
    func bounds(of layers: [ConfigurationLayer], beside host: ConfigurationLayer, named: [GivenPath]) -> BoundedPaths {
        var bounded = BoundedPaths()
        for (key, use) in [
            (SettingKey.sandboxRead, BoundedPaths.Use.read), (.sandboxWrite, .write), (.sandboxExecute, .execute),
        ] {
            guard let bound = bounds[key], case .texts(let most) = bound.value else { continue }
            var free: Set<String> = []
            var own: Set<String> = []
            for value in ([host] + layers).compactMap({ $0.settings[key] }) {
                guard case .texts(let paths) = value.value else { continue }
                if file(of: value) == file(of: bound) { free.formUnion(paths) } else { own.formUnion(paths) }
            }
            for path in own.subtracting(free) { bounded.bound(path, for: use, by: most) }
            if use != .write { continue }
            let isFree = Set(named.filter { $0.file == file(of: bound) }.map(\.path))
            for given in named where !isFree.contains(given.path) { bounded.bound(given.path, for: .named, by: most) }
        }
        return bounded
    }

    private func file(of value: Sourced<SettingValue>) -> String? {
        if case .file(let name, _, _) = value.origin { name } else { nil }
    }

    /// Whether one path is beneath another, compared by components.
    private static func isBeneath(_ path: String, _ folder: String) -> Bool {
        guard let path = PlainPath.normal(path), let folder = PlainPath.normal(folder) else { return false }
        return PlainPath.isBeneath(path, folder)
    }

    private func allows(_ value: SettingValue, for key: SettingKey) -> Bool {
        guard let bound = bounds[key]?.value else { return true }
        switch (value, bound) {
        case (.flag(let given), .flag(let most)): return most || !given
        case (.word(let given), .word(let least)) where key == .sandboxLevel:
            let levels = SandboxSettings.Level.allCases.map(\.rawValue)
            return levels.firstIndex(of: given) ?? 0 >= levels.firstIndex(of: least) ?? 0
        case (_, .word(let word)) where word == "any" || word == "all": return true
        case (.word(let given), _): return given == "none"
        case (.texts(let given), .word), (.texts(let given), .integers): return given.isEmpty
        case (.integers(let given), .word), (.integers(let given), .texts): return given.isEmpty
        case (.integers(let given), .integers(let most)): return Set(given).isSubset(of: most)
        case (.texts(let given), .texts(let most)):
            return given.allSatisfy { text in
                most.contains { text == $0 || Self.isBeneath(text, $0) }
            }
        case (.integer, _), (.flag, _), (.until, _), (.command, _), (.texts, _), (.integers, _): return false
        }
    }
}

extension HostConfiguration {
    /// Throws an error for each permission of a plugin's own file that exceeds the limit.
    public func check(_ file: PluginConfiguration) throws(ConfigurationError) { try sandboxLimit.check(file) }
}

extension ConfigurationReader {
    /// Reads `sandbox_limit`, which has the keys of `sandbox`.
    mutating func sandboxLimit(_ member: JSONMember) -> [SettingKey: Sourced<SettingValue>] {
        var limit = ConfigurationLayer()
        for inner in object(member.node, path: "sandbox_limit") ?? [] {
            let key = "sandbox_limit.\(shown(inner.name))"
            if let setting = SettingKey(rawValue: "sandbox.\(inner.name)") {
                take(setting, inner.node, path: key, into: &limit)
            } else {
                report(Self.unknown(inner.name, in: "sandbox", scope: .host), at: inner.position, key)
            }
        }
        return limit.settings
    }
}
