/// A plugin's description of itself, as its worker reports it. The plugin may be hostile: `fault` checks a description
/// and says what is wrong, and only descriptions without a fault leave the channel.
public struct PluginDescription: Equatable, Sendable {
    /// The plugin's id.
    public var id: String
    /// Its version, for display.
    public var version: String
    /// A one-line description, if there is one.
    public var description: String?
    /// Whether its routines never run at the same time.
    public var isSerial: Bool
    /// The parameters that the plugin declares.
    public var parameters: [Parameter]
    /// Its routines. A routine's index in this list is the `routine` of the channel's messages.
    public var routines: [Routine]
    /// What the plugin declares that it needs of its sandbox, in the notation of `SandboxNeed`.
    public var needs: [String]
    /// Whether it offers a store that hosts can share; then it may have no routines.
    public var offersStore: Bool

    /// Creates a description.
    public init(
        id: String, version: String, description: String?, isSerial: Bool, parameters: [Parameter],
        routines: [Routine], needs: [String] = [], offersStore: Bool = false
    ) {
        self.needs = needs
        self.offersStore = offersStore
        self.id = id
        self.version = version
        self.description = description
        self.isSerial = isSerial
        self.parameters = parameters
        self.routines = routines
    }

    /// A parameter that the plugin declares.
    public struct Parameter: Equatable, Sendable {
        /// The types that a parameter may have.
        public enum Kind: String, Sendable {
            case string, int, double, bool
        }

        /// Its name.
        public var name: String
        /// Its type.
        public var type: Kind
        /// Its default as text, if there is one.
        public var defaultValue: String?
        /// The permitted values: `1..65535` or `a|b|c`; nil permits any.
        public var range: String?
        /// A one-line description, if there is one.
        public var description: String?
        /// Whether its value and its default must not be shown anywhere.
        public var isSecret: Bool
        /// The text shown in place of a secret.
        public static let hidden = "(secret)"
        /// Its default, or `hidden` in place of a secret one.
        public var shownDefault: String? { isSecret ? defaultValue.map { _ in Self.hidden } : defaultValue }

        /// Creates a parameter.
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

    /// A routine, with the defaults that the plugin declares for it.
    public struct Routine: Equatable, Sendable {
        /// What the plugin declares for a routine beside its name.
        public struct Defaults: Equatable, Sendable {
            /// A one-line description, if there is one.
            public var description: String?
            /// The interval from one cycle's start to the next one's, in ms.
            public var waitMs: UInt64
            /// Cycles until a session is complete; 0 means no bound.
            public var maxCycles: UInt64
            /// The longest permitted cycle, in ms; 0 means the host's default.
            public var timeoutMs: UInt64
            /// The text of its schedule; nil if it runs at its interval.
            public var schedule: String?
        }

        /// Defaults as an object, which routines share that are declared alike: a plugin may have 100 000.
        private final class Shared: Sendable {
            let defaults: Defaults

            init(_ defaults: Defaults) { self.defaults = defaults }
        }

        /// Its name.
        public var name: String
        private var shared: Shared

        /// Its defaults.
        public var defaults: Defaults {
            get { shared.defaults }
            set { shared = Shared(newValue) }
        }
        /// A one-line description, if there is one.
        public var description: String? { defaults.description }
        /// The interval from one cycle's start to the next one's, in ms.
        public var waitMs: UInt64 { defaults.waitMs }
        /// Cycles until a session is complete; 0 means no bound.
        public var maxCycles: UInt64 { defaults.maxCycles }
        /// The longest permitted cycle, in ms; 0 means the host's default.
        public var timeoutMs: UInt64 { defaults.timeoutMs }
        /// The text of its schedule; nil if it runs at its interval.
        public var schedule: String? { defaults.schedule }

        /// Creates a routine.
        public init(
            name: String, description: String?, waitMs: UInt64, maxCycles: UInt64, timeoutMs: UInt64,
            schedule: String? = nil
        ) {
            self.name = name
            shared = Shared(
                Defaults(
                    description: description, waitMs: waitMs, maxCycles: maxCycles, timeoutMs: timeoutMs,
                    schedule: schedule))
        }

        /// Creates a routine that is declared like another one, if `other` has the same defaults.
        public init(name: String, _ defaults: Defaults, like other: Routine?) {
            self.name = name
            shared = other.flatMap { $0.defaults == defaults ? $0.shared : nil } ?? Shared(defaults)
        }

        /// Whether names and defaults are the same.
        public static func == (left: Routine, right: Routine) -> Bool {
            left.name == right.name && (left.shared === right.shared || left.defaults == right.defaults)
        }

        /// What stands for the routines of a plugin that has none, where settings are for the plugin itself.
        public static let absent = Routine(name: "", description: nil, waitMs: 0, maxCycles: 0, timeoutMs: 0)
    }
}
