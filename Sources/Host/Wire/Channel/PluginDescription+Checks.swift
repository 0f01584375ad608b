public import HostValues

/// The rules for a valid description. Both sides of the channel check them: the worker, whose error names the field in
/// the plugin author's terms, and the supervisor, because plugin code can write to the channel itself.
extension PluginDescription {
    /// The bounds, which equal those of the ABI's header.
    public enum Bounds {
        /// The maximum length of a name, in bytes.
        public static let name = 64
        /// The maximum length of a version or a description, which is one line, in bytes.
        public static let line = 200
        /// The maximum length of a parameter's default and of its range, in bytes.
        public static let text = 4096
        /// The maximum length of a schedule, in bytes.
        public static let schedule = 1024
        /// The maximum number of routines, which is the number of slots in a ledger.
        public static let routines = LedgerSlot.mostInFile
        /// The maximum number of parameters.
        public static let parameters = 1000
        /// The maximum number of needs.
        public static let needs = 1000
        /// The longest interval and timeout, in ms: 31 days.
        public static let milliseconds = RoutineTiming.longestMs
    }

    /// What is wrong with the description, in one line that begins with the field; nil if it is valid.
    public var fault: String? {
        Self.nameFault(id, "id") ?? ownNameFault ?? Self.lineFault(version, "version", isRequired: true)
            ?? Self.lineFault(description ?? "", "description") ?? parametersFault ?? needsFault
            ?? routinesFault
    }

    private var needsFault: String? {
        if needs.count > Bounds.needs {
            return "needs has more than \(Bounds.needs), or does not end: close it with NULL"
        }
        guard let wrong = needs.firstIndex(where: { SandboxNeed($0) == nil }) else { return nil }
        return
            "needs[\(wrong)] is \"\(needs[wrong].prefix(100))\": give KEY=VALUE by the keys of sandbox {}, such as \"write=/srv/out\", "
            + "\"bind=9100\" or \"udp\""
    }

    /// The host's own name is reserved: its file is `schedhost.json5`, and its log lines carry that name.
    private var ownNameFault: String? {
        id.lowercased() == "schedhost" ? "id is \"\(id)\": that is the host's own name; give it another one" : nil
    }

    private var parametersFault: String? {
        if parameters.count > Bounds.parameters { return "parameters has more than \(Bounds.parameters)" }
        var names = DistinctNames()
        for (index, parameter) in parameters.enumerated() {
            let field = "parameters[\(index)]"
            let fault =
                Self.nameFault(parameter.name, "\(field).name")
                ?? Self.lineFault(parameter.description ?? "", "\(field).description")
                ?? Self.lengthFault(parameter.defaultValue ?? "", "\(field).default_value", most: Bounds.text)
                ?? Self.lengthFault(parameter.range ?? "", "\(field).range", most: Bounds.text)
            if let fault { return fault }
            if !names.insert(parameter.name) {
                return "\(field).name: there are two parameters named \(parameter.name)"
            }
        }
        return nil
    }

    private var routinesFault: String? {
        if routines.isEmpty, !offersStore { return "routines is empty: list at least one" }
        if routines.count > Bounds.routines {
            return "routines has more than \(Bounds.routines), or does not end: close it with NULL"
        }
        var names = DistinctNames()
        for (index, routine) in routines.enumerated() {
            // The full name of a field is built only for an error, because there may be many routines.
            let fault =
                Self.nameFault(routine.name, "name") ?? Self.lineFault(routine.description ?? "", "description")
                ?? Self.timeFault(routine.waitMs, "wait_ms") ?? Self.timeFault(routine.timeoutMs, "timeout_ms")
                ?? Self.scheduleFault(routine)
            if let fault { return "routines[\(index)].\(fault)" }
            if !names.insert(routine.name) {
                return "routines[\(index)].name: there are two routines named \(routine.name)"
            }
        }
        return nil
    }

    private static func nameFault(_ name: String, _ field: String) -> String? {
        let isGood =
            (1...Bounds.name).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if isGood { return nil }
        return "\(field) is \"\(name.prefix(80))\": 1 to \(Bounds.name) of a-z A-Z 0-9 . _ -, not beginning with a dot"
    }

    private static func lengthFault(_ text: String, _ field: String, most: Int) -> String? {
        text.utf8.count > most ? "\(field) is longer than \(most) bytes" : nil
    }

    private static func lineFault(_ text: String, _ field: String, isRequired: Bool = false) -> String? {
        if isRequired, text.isEmpty { return "\(field) is empty: give one, such as \"1.0.0\"" }
        if let fault = lengthFault(text, field, most: Bounds.line) { return fault }
        let isLine = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control && scalar != "\u{2028}" && scalar != "\u{2029}"
        }
        return isLine ? nil : "\(field) is not one line of text: it has a line break or another control character"
    }

    /// Checks the length only; modules that know schedules check the syntax.
    private static func scheduleFault(_ routine: Routine) -> String? {
        guard let schedule = routine.schedule else { return nil }
        if routine.waitMs > 0 {
            return "schedule and wait_ms are both given: a routine runs by one of them; leave the other out"
        }
        return lengthFault(schedule, "schedule", most: Bounds.schedule)
    }

    private static func timeFault(_ milliseconds: UInt64, _ field: String) -> String? {
        if milliseconds <= Bounds.milliseconds { return nil }
        // A negative number of the plugin's arrives as one that is past half of the range.
        let signed = Int64(bitPattern: milliseconds)
        let meant = signed < 0 ? ", which is \(signed) with a sign" : ""
        return "\(field) is \(milliseconds)\(meant): at most \(Bounds.milliseconds) (31 days)"
    }
}

/// Names that differ. A few are compared with each other: for the first set of texts the runtime looks through all
/// conformances, at each worker's start.
private struct DistinctNames {
    private static let mostFew = 32
    private var few: [String] = []
    private var many: Set<String> = []

    /// Adds a name; false if it was added before.
    mutating func insert(_ name: String) -> Bool {
        if few.count < Self.mostFew {
            if few.contains(name) { return false }
            few.append(name)
            return true
        }
        if many.isEmpty { many = Set(few) }
        return many.insert(name).inserted
    }
}
