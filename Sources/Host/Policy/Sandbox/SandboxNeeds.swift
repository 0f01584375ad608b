public import HostValues

/// The permissions that a plugin needs but does not have, with the settings that would grant them. Pure.
public struct SandboxNeeds: Equatable, Sendable {
    private var values: [SandboxNeed.Kind: Set<String>] = [:]

    /// Selects the needs that the settings do not grant. `folders` may be written in any case. `hasVariable` returns
    /// whether a worker has that environment variable in any case.
    public init(
        _ needs: some Sequence<SandboxNeed>, beside settings: SandboxSettings, folders: [String],
        hasVariable: (String) -> Bool = { _ in false }
    ) {
        let written = settings.write + folders + ["/dev/null", "/dev/zero", "/dev/full", "/proc"]
        for need in needs where !settings.allows(need, written: written) {
            if need.kind == .environment, hasVariable(need.value) { continue }
            values[need.kind, default: []].insert(need.value)
        }
        for kind in [SandboxNeed.Kind.read, .write, .execute] {
            guard let paths = values[kind] else { continue }
            // A path beneath another one is granted with that.
            values[kind] = paths.filter { path in !paths.contains { $0 != path && PlainPath.isBeneath(path, $0) } }
        }
    }

    /// Whether nothing is missing.
    public var isEmpty: Bool { values.isEmpty }

    /// The settings as a configuration file has them, one a line.
    public var block: String { "sandbox: {\n" + entries.map { "    \($0),\n" }.joined() + "}" }

    /// The settings in one line.
    public var line: String { "sandbox: { " + entries.joined(separator: ", ") + " }" }

    private var entries: [String] {
        SandboxNeed.Kind.allCases.compactMap { kind in
            guard let values = values[kind] else { return nil }
            switch kind {
            case .udp: return "udp: true"
            case .connect, .bind:
                let ports = values.compactMap { UInt16($0) }.sorted().map { "\($0)" }
                return "\(kind.rawValue): [\(ports.joined(separator: ", "))]"
            case .read, .write, .execute, .unix, .syscalls, .environment:
                let texts = values.sorted().map { JSONValue.string($0).json }
                return "\(kind.rawValue): [\(texts.joined(separator: ", "))]"
            }
        }
    }
}

extension SandboxSettings {
    /// Whether the settings grant a need. `written` has all paths that may be written.
    fileprivate func allows(_ need: SandboxNeed, written: [String]) -> Bool {
        func isIn(_ folders: [String]) -> Bool {
            guard let path = PlainPath.normal(need.value) else { return false }
            return folders.contains { PlainPath.normal($0).map { PlainPath.isBeneath(path, $0) } ?? false }
        }
        if level == .off { return true }
        switch need.kind {
        case .read:
            if case .only(let paths) = read { return isIn(paths + SandboxPolicy.basics + written) }
            let plain = VisiblePaths.plainDevices.map { VisiblePaths.devices + "/" + $0 }
            return need.isDevice ? isIn(plain + written) : true
        case .write: return isIn(written)
        case .execute: if case .only(let paths) = execute { return isIn(paths) }
        case .connect:
            if case .only(let ports) = connect { return ports.contains { "\($0)" == need.value } }
        case .bind: return bind.contains { "\($0)" == need.value }
        case .udp: return udp
        case .unix: return unix.contains(need.value)
        case .syscalls: return syscalls.contains(need.value) || SystemCall(need.value) == nil
        case .environment: return environment.contains(need.value)
        }
        return true
    }

    /// The settings with the needs granted in addition.
    public func granting(_ needs: [SandboxNeed]) -> SandboxSettings {
        var granted = self
        // Everything except devices may be read; for a device a list takes the place of that.
        if read == .all, needs.contains(where: { $0.kind == .read && $0.isDevice && !allows($0, written: []) }) {
            granted.read = .only([])
        }
        for need in needs {
            switch need.kind {
            case .read: if case .only(let paths) = granted.read { granted.read = .only(paths + [need.value]) }
            case .write: granted.write.append(need.value)
            case .execute: if case .only(let paths) = granted.execute { granted.execute = .only(paths + [need.value]) }
            case .connect:
                if case .only(let ports) = granted.connect {
                    granted.connect = .only(ports + [UInt16(need.value) ?? 0])
                }
            case .bind: granted.bind.append(UInt16(need.value) ?? 0)
            case .udp: granted.udp = true
            case .unix: granted.unix.append(need.value)
            case .syscalls: granted.syscalls.append(need.value)
            case .environment: granted.environment.append(need.value)
            }
        }
        return granted
    }
}

extension SandboxNeed {
    /// Whether its value is the path of a device.
    fileprivate var isDevice: Bool {
        PlainPath.normal(value).map { PlainPath.isBeneath($0, VisiblePaths.devices) } ?? false
    }
}
