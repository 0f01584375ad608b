internal import HostValues

/// Checks the values of a file against the known keys, and collects all errors.
struct ConfigurationReader {
    /// The kind of object, which determines the keys that it may have in addition to settings.
    enum Scope {
        case host, plugin, instance, routine

        var extra: [String] {
            let containers: [SettingContainer] =
                switch self {
                case .host: [.plugins, .sandboxLimit, .sandboxUsers]
                case .plugin: [.params, .routines, .instances]
                case .instance: [.params, .routines]
                case .routine: [.params]
                }
            return containers.map(\.rawValue)
        }
    }

    let file: String
    var error = ConfigurationError()
    /// Returns whether a time zone of that name exists.
    private let isZone: (String) -> Bool

    init(file: String, isZone: @escaping (String) -> Bool) {
        self.file = file
        self.isZone = isZone
    }

    // MARK: Whole file

    mutating func root(of bytes: [UInt8]) -> [JSONMember]? {
        do throws(JSONSyntaxError) {
            return try JSON5Parser.parseConfiguration(bytes)
        } catch {
            report(error.message, at: error.position, "")
            return nil
        }
    }

    mutating func host(_ members: [JSONMember]) -> HostConfiguration {
        var host = HostConfiguration()
        host.layer = withStore(layer(members, path: "", scope: .host))
        let containers = unique(members, path: "", reporting: false)
        if let limit = containers.first(where: { $0.name == "sandbox_limit" }) {
            host.sandboxLimit.bounds = sandboxLimit(limit)
        }
        host.users = containers.first { $0.name == "sandbox_users" }.flatMap { users($0) }
        guard let plugins = containers.first(where: { $0.name == "plugins" }) else { return host }
        for member in object(plugins.node, path: "plugins") ?? [] {
            let path = "plugins.\(shown(member.name))"
            guard let block = object(member.node, path: path) else { continue }
            host.plugins[member.name] = plugin(block, path: path + ".")
        }
        return host
    }

    mutating func plugin(_ members: [JSONMember], path: String) -> PluginConfiguration {
        var plugin = plugin(members, path: path, scope: .plugin)
        let containers = unique(members, path: path, reporting: false)
        guard let instances = containers.first(where: { $0.name == "instances" }) else { return plugin }
        for member in object(instances.node, path: path + "instances") ?? [] {
            let place = "\(path)instances.\(shown(member.name))"
            guard InstanceName.isValid(member.name) else {
                let allowed = "1 to \(InstanceName.most) of a-z A-Z 0-9 . _ -, not beginning with a dot"
                report("an instance's name has \(allowed)", at: member.position, place)
                continue
            }
            guard let block = object(member.node, path: place) else { continue }
            plugin.instances[member.name] = InstanceBlock(
                configuration: self.plugin(block, path: place + ".", scope: .instance))
        }
        return plugin
    }

    /// Reads the configuration of a plugin, or of one instance of it.
    private mutating func plugin(_ members: [JSONMember], path: String, scope: Scope) -> PluginConfiguration {
        var plugin = PluginConfiguration()
        plugin.layer = layer(members, path: path, scope: scope)
        guard let routines = unique(members, path: path, reporting: false).first(where: { $0.name == "routines" })
        else { return plugin }
        for member in object(routines.node, path: path + "routines") ?? [] {
            let place = "\(path)routines.\(shown(member.name))"
            guard let block = object(member.node, path: place) else { continue }
            plugin.routines[member.name] = RoutineBlock(
                file: file, position: member.position, keyPath: place,
                layer: layer(block, path: place + ".", scope: .routine))
        }
        return plugin
    }

    // MARK: Objects

    private mutating func layer(_ members: [JSONMember], path: String, scope: Scope) -> ConfigurationLayer {
        var layer = ConfigurationLayer()
        for member in unique(members, path: path) {
            let key = path + shown(member.name)
            if scope.extra.contains(member.name) {
                if member.name == "params" { layer.params = params(member.node, path: key) }
            } else if scope == .routine, member.name == SettingKey.isolation.rawValue {
                report("holds for the whole plugin: set it beside routines {}, not in it", at: member.position, key)
            } else if scope != .host, let mend = SettingKey.hostWide[member.name] {
                report("holds for the whole host: set it in \(mend)", at: member.position, key)
            } else if let setting = SettingKey(rawValue: member.name), setting.group == nil {
                take(setting, member.node, path: key, into: &layer)
            } else if let short = SettingKey.short(for: member.name), short.shape.takesShort(member.node.value) {
                take(short, member.node, path: key, into: &layer)
            } else if Self.groups.contains(member.name) {
                group(member, path: key, into: &layer)
            } else {
                report(Self.unknown(member.name, in: nil, scope: scope), at: member.position, key)
            }
        }
        if layer.settings[.waitMs] != nil, let schedule = layer.settings[.schedule],
            case .file(_, let position, let key) = schedule.origin
        {
            report("and wait_ms are both given: a routine runs by one of them; remove the other", at: position, key)
        }
        return layer
    }

    private static let groups: [String] = SettingKey.allCases.reduce(into: []) { groups, key in
        if let group = key.group, !groups.contains(group) { groups.append(group) }
    }

    private mutating func group(_ member: JSONMember, path: String, into layer: inout ConfigurationLayer) {
        if let short = SettingKey.short(for: member.name) {
            guard case .object = member.node.value else {
                let example =
                    switch short {
                    case .groupName: "name: \"heavy\", max_running: 1"
                    case .sandboxLevel: "level: \"on\""
                    default: "command: […], timeout_ms: 10000"
                    }
                let allowed = "\(short.shape.allowed), or an object { \(example) }"
                report("must be \(allowed), not \(member.node.value.described)", at: member.node.position, path)
                return
            }
        }
        for inner in object(member.node, path: path) ?? [] {
            let key = "\(path).\(shown(inner.name))"
            if let setting = SettingKey(rawValue: "\(member.name).\(inner.name)") {
                take(setting, inner.node, path: key, into: &layer)
            } else {
                report(Self.unknown(inner.name, in: member.name, scope: .routine), at: inner.position, key)
            }
        }
    }

    private mutating func params(_ node: JSONNode, path: String) -> [String: ParameterSetting] {
        var params: [String: ParameterSetting] = [:]
        for member in object(node, path: path) ?? [] {
            let key = "\(path).\(shown(member.name))"
            if member.name.isEmpty || member.name.utf8.count > 64 || member.name.unicodeScalars.contains("\0") {
                report("a parameter's name has 1 to 64 bytes", at: member.position, key)
            } else if checkParameter(member.node, path: key) {
                params[member.name] = ParameterSetting(
                    member.node.value, from: .file(file, member.node.position, key: key))
            }
        }
        return params
    }

    /// Checks that JSON can represent the value and a plugin written in C can read it. The parser bounds the recursion.
    private mutating func checkParameter(_ node: JSONNode, path: String) -> Bool {
        switch node.value {
        case .null, .bool, .integer: return true
        case .double(let value):
            if !value.isFinite {
                report("must be a finite number, not \(node.value.described)", at: node.position, path)
            }
            return value.isFinite
        case .string(let text):
            let isPlain = !text.unicodeScalars.contains("\0")
            if !isPlain { report("a text may hold no NUL character", at: node.position, path) }
            guard isPlain, SurroundingText.isOne(text) else { return isPlain }
            do throws(SurroundingText.Fault) {
                _ = try SurroundingText(text)
                return true
            } catch {
                report(error.message, at: node.position, path)
                return false
            }
        case .array(let nodes):
            var isGood = true
            for (index, node) in nodes.enumerated() where !checkParameter(node, path: "\(path)[\(index)]") {
                isGood = false
            }
            return isGood
        case .object(let members):
            var isGood = true
            for member in unique(members, path: path + ".")
            where !checkParameter(member.node, path: "\(path).\(shown(member.name))") {
                isGood = false
            }
            return isGood
        }
    }

    mutating func object(_ node: JSONNode, path: String) -> [JSONMember]? {
        guard case .object(let members) = node.value else {
            report("must be an object { … }, not \(node.value.described)", at: node.position, path)
            return nil
        }
        return unique(members, path: path + ".")
    }

    /// The members without repeated names; with `reporting`, each repetition is reported as an error.
    private mutating func unique(_ members: [JSONMember], path: String, reporting: Bool = true) -> [JSONMember] {
        var first: [String: TextPosition] = [:]
        return members.filter { member in
            guard let earlier = first[member.name] else {
                first[member.name] = member.position
                return true
            }
            if reporting {
                let message = "is given twice (first in line \(earlier.line)); remove one"
                report(message, at: member.position, path + shown(member.name))
            }
            return false
        }
    }

    // MARK: Values

    mutating func take(_ key: SettingKey, _ node: JSONNode, path: String, into layer: inout ConfigurationLayer) {
        guard checkTimes(key, node, path: path) else { return }
        guard let value = Self.value(of: node, for: key.shape) else {
            let (culprit, index) = Self.culprit(in: node, for: key.shape)
            let place = index.map { "\(path)[\($0)]" } ?? path
            let allowed = index == nil ? key.shape.allowed : key.shape.allowedElement
            let hint = Self.hint(for: key, given: node.value)
            report("must be \(allowed), not \(culprit.value.described)\(hint)", at: culprit.position, place)
            return
        }
        layer.settings[key] = Sourced(value, from: .file(file, node.position, key: path))
    }

    /// Checks texts that name times and zones, and reports errors at their positions. Returns whether the value can be
    /// used.
    private mutating func checkTimes(_ key: SettingKey, _ node: JSONNode, path: String) -> Bool {
        switch key.shape {
        case .schedules(let most):
            let nodes: [JSONNode]
            if case .array(let list) = node.value { nodes = list } else { nodes = [node] }
            guard nodes.count <= most else { return true }
            let before = error.problems.count + error.omitted
            for (index, node) in nodes.enumerated() {
                guard case .string(let text) = node.value else { continue }
                do throws(ScheduleTextError) {
                    _ = try ScheduleText(text, isZone: isZone)
                } catch {
                    report(error.description, at: node.position, nodes.count > 1 ? "\(path)[\(index)]" : path)
                }
            }
            return error.problems.count + error.omitted == before
        case .zone:
            guard case .string(let name) = node.value, !isZone(name) else { return true }
            report(
                "there is no time zone \(node.value.described): names are such as Europe/Berlin or UTC",
                at: node.position, path)
            return false
        case .integer, .integers, .word, .until, .command, .flag, .grants, .name, .plainName: return true
        }
    }

    private static func value(of node: JSONNode, for shape: SettingShape) -> SettingValue? {
        switch shape {
        case .integer(let range, _, let zero):
            guard let value = integer(node.value), range.contains(value) || (value == 0 && zero != nil) else {
                return nil
            }
            return .integer(value)
        case .integers(let range, _, let most):
            guard case .array(let nodes) = node.value, nodes.count <= most else { return nil }
            let values = nodes.compactMap { integer($0.value) }.filter { range.contains($0) }
            return values.count == nodes.count ? .integers(values) : nil
        case .word(let words):
            guard case .string(let word) = node.value, words.contains(word) else { return nil }
            return .word(word)
        case .until:
            guard case .string(let text) = node.value else { return nil }
            return Until(text).map { .until($0) }
        case .flag:
            guard case .bool(let flag) = node.value else { return nil }
            return .flag(flag)
        case .zone:
            guard case .string(let name) = node.value else { return nil }
            return .word(name)
        case .name:
            guard case .string(let name) = node.value, (1...64).contains(name.utf8.count) else { return nil }
            return .word(name)
        case .plainName: return plainName(node.value)
        case .schedules(let most):
            if case .string(let text) = node.value { return .texts([text]) }
            guard case .array(let nodes) = node.value, (1...most).contains(nodes.count) else { return nil }
            let texts = nodes.compactMap { argument($0.value) }
            return texts.count == nodes.count ? .texts(texts) : nil
        case .command:
            guard case .array(let nodes) = node.value, nodes.count <= 64 else { return nil }
            let words = nodes.compactMap { argument($0.value) }
            return words.count == nodes.count && words.first != "" ? .command(words) : nil
        case .grants(let grant, let words): return grant.value(of: node, words: words)
        }
    }

    /// The part of an invalid value to report: an element of a list, or the whole value.
    private static func culprit(in node: JSONNode, for shape: SettingShape) -> (JSONNode, index: Int?) {
        guard case .array(let nodes) = node.value else { return (node, nil) }
        let index: Int?
        switch shape {
        case .integers(let range, _, _):
            index = nodes.firstIndex { element in integer(element.value).map { !range.contains($0) } ?? true }
        case .command:
            index = nodes.indices.first {
                argument(nodes[$0].value) == nil || ($0 == 0 && nodes[0].value == .string(""))
            }
        case .grants(let grant, _): index = nodes.firstIndex { grant.value(of: $0.value) == nil }
        case .integer, .word, .until, .flag, .schedules, .zone, .name, .plainName: index = nil
        }
        return index.map { (nodes[$0], $0) } ?? (node, nil)
    }

    /// A word of a command line; nil for any other value.
    static func argument(_ value: JSONValue) -> String? {
        guard case .string(let word) = value, !word.unicodeScalars.contains("\0") else { return nil }
        return word
    }

    /// An unsigned whole number, which may be written as `1e3`; nil for any other value.
    static func integer(_ value: JSONValue) -> UInt64? {
        switch value {
        case .integer(let value): UInt64(exactly: value)
        case .double(let value): value.magnitude < 0x1p53 ? UInt64(exactly: value) : nil
        case .null, .bool, .string, .array, .object: nil
        }
    }

    private static func hint(for key: SettingKey, given value: JSONValue) -> String {
        switch (value, key.shape) {
        case (.null, _): "; leave the key out for its default"
        case (.string(let text), .integer) where UInt64(text) != nil: "; write it without quotes"
        case (.string(let text), .word(let words)):
            Spelling.nearest(to: text, in: words).map { "; did you mean \"\($0)\"?" } ?? ""
        case (.string(let text), .until) where Until(text + "Z") != nil: "; add Z for UTC, or an offset such as +01:00"
        case (.string("true"), .flag), (.string("false"), .flag): "; write it without quotes"
        case (.string, .command): "; put the program and each argument in quotes of their own, in [ ]"
        default: ""
        }
    }

    // MARK: Error messages

    static func unknown(_ name: String, in group: String?, scope: Scope) -> String {
        let allowed: [String]
        if let group {
            allowed = SettingKey.allCases.filter { $0.group == group }.map(\.name)
        } else {
            allowed = SettingKey.allCases.filter { $0.group == nil }.map(\.name) + groups + scope.extra
        }
        let list = "the keys here are \(allowed.joined(separator: ", "))"
        if group == nil, scope == .host, name == "params" || name == "routines" || name == "instances" {
            return "belongs to a plugin: set it in plugins { NAME: { \(name): {} } }, or in the plugin's own file"
        }
        if group != nil, let home = SettingKey(rawValue: name), home.group == nil {
            return "belongs outside of these braces; \(list)"
        }
        if let home = SettingKey.allCases.first(where: { $0.name == name && $0.group != nil && $0.group != group }),
            let other = home.group
        {
            return group == nil
                ? "belongs in \(other) {}: write \(other): { \(name): … }" : "belongs in \(other) {}; \(list)"
        }
        if group == nil, scope != .host, name == "plugins" { return "belongs in schedhost.json5; \(list)" }
        if let near = Spelling.nearest(to: name, in: allowed) {
            return "unknown key; did you mean \(near)? (\(list))"
        }
        return "unknown key; \(list)"
    }

    func shown(_ name: String) -> String {
        let isPlain =
            !name.isEmpty
            && name.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || "0123456789_-$".unicodeScalars.contains($0)
            }
        return isPlain && name.utf8.count <= 64 ? name : JSONValue.string(name).described
    }

    /// Records an error. The message is built only if it will be kept, so that a file of garbage takes no longer than a
    /// valid one.
    mutating func report(_ message: @autoclosure () -> String, at position: TextPosition, _ path: String) {
        guard error.problems.count < ConfigurationError.limit else {
            error.omitted += 1
            return
        }
        error.add(ConfigurationProblem(file: file, position: position, keyPath: path, message: message()))
    }
}
