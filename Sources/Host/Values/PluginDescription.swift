/// What a plugin says of itself, as its worker reports it. A hostile plugin may have written it: `fault` says what is wrong
/// with one, and what comes off the channel has none.
public struct PluginDescription: Equatable, Sendable {
    /// The plugin's id.
    public var id: String
    /// Its version, for display.
    public var version: String
    /// One line, or nil.
    public var description: String?
    /// Whether its routines never overlap each other.
    public var isSerial: Bool
    /// The parameters that it declares.
    public var parameters: [Parameter]
    /// Its routines; their positions are what the channel's messages call `routine`.
    public var routines: [Routine]
    /// What it needs of its sandbox, as it says it.
    public var needs: [String]

    /// A description.
    public init(
        id: String, version: String, description: String?, isSerial: Bool, parameters: [Parameter],
        routines: [Routine], needs: [String] = []
    ) {
        self.needs = needs
        self.id = id
        self.version = version
        self.description = description
        self.isSerial = isSerial
        self.parameters = parameters
        self.routines = routines
    }

    /// One declared parameter.
    public struct Parameter: Equatable, Sendable {
        /// The types that a parameter may have.
        public enum Kind: String, Sendable {
            case string, int, double, bool
        }

        /// Its name.
        public var name: String
        /// Its type.
        public var type: Kind
        /// Its default as text, or nil.
        public var defaultValue: String?
        /// What is allowed: `1..65535` or `a|b|c`; nil: anything.
        public var range: String?
        /// One line, or nil.
        public var description: String?
        /// Whether its value, and its default, are shown nowhere.
        public var isSecret: Bool
        /// What stands where a secret is not shown.
        public static let hidden = "(secret)"
        /// Its default as everybody may see it.
        public var shownDefault: String? { isSecret ? defaultValue.map { _ in Self.hidden } : defaultValue }

        /// A parameter.
        public init(
            name: String, type: Kind, defaultValue: String?, range: String?, description: String?,
            isSecret: Bool = false
        ) {
            self.isSecret = isSecret
            self.name = name
            self.type = type
            self.defaultValue = defaultValue
            self.range = range
            self.description = description
        }
    }

    /// One routine with its own defaults.
    public struct Routine: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// One line, or nil.
        public var description: String?
        /// From one cycle's start to the next one's, ms.
        public var waitMs: UInt64
        /// Cycles of a session; 0: no bound.
        public var maxCycles: UInt64
        /// Bound of a cycle, ms; 0: the host's default.
        public var timeoutMs: UInt64
        /// The text of its schedule; nil: it runs by its wait.
        public var schedule: String?

        /// A routine.
        public init(
            name: String, description: String?, waitMs: UInt64, maxCycles: UInt64, timeoutMs: UInt64,
            schedule: String? = nil
        ) {
            self.schedule = schedule
            self.name = name
            self.description = description
            self.waitMs = waitMs
            self.maxCycles = maxCycles
            self.timeoutMs = timeoutMs
        }
    }
}
