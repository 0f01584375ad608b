public import HostValues
public import HostViews
public import HostWire

/// Options of `schedhost status` and of the commands that change a running host.
public struct OperateOptions: Equatable, Sendable {
    /// The request to the host.
    public var action: ControlRequest.Action
    /// The subjects, each `plugin/routine` or `plugin`; for `status` empty means all.
    public var identifiers: [String] = []
    /// For `move` the host that is to have the leases; nil: any.
    public var heir: String?
    /// The new log level; nil shows the current one.
    public var level: LogLevel?
    /// The state directory of the host.
    public var state: String?
    /// Whether the answer is shown as JSON.
    public var isJSON = false
    /// For `status`, whether all hosts of the cluster are shown.
    public var isOfFleet = false

    /// Creates options for a request.
    public init(_ action: ControlRequest.Action) { self.action = action }
}

/// Options of a command that only reads from the host.
public struct ClientOptions: Equatable, Sendable {
    /// The state directory of the host.
    public var state: String?
    /// Whether the answer is shown as JSON.
    public var isJSON: Bool

    /// Creates options for the host with that state directory.
    public init(state: String?, isJSON: Bool = false) {
        self.state = state
        self.isJSON = isJSON
    }
}

/// Options of `schedhost cluster`.
public struct ClusterOptions: Equatable, Sendable {
    /// What to do.
    public enum Action: String, CaseIterable, Sendable {
        /// Show the hosts, and who holds what.
        case show
        /// Give back what this host holds, and take nothing, until `undrain`.
        case drain
        case undrain
        /// Give back leases to another host.
        case move
    }

    /// What to do.
    public var action: Action
    /// For `move` the routines, each `plugin/routine` or `plugin`.
    public var identifiers: [String] = []
    /// For `move` the host that is to have them, by its name or by how its id begins; nil: any.
    public var heir: String?
    /// The state directory of the host.
    public var state: String?
    /// Whether the answer is shown as JSON.
    public var isJSON = false

    /// Creates options for an action.
    public init(_ action: Action) { self.action = action }
}

/// Options of `schedhost report`.
public struct ReportOptions: Equatable, Sendable {
    /// The file to write; `-` means standard output.
    public var output: String
    /// The state directory.
    public var state: String?
    /// Whether the page's data is written as JSON instead of the page.
    public var isJSON = false

    /// Creates options that write to that file.
    public init(output: String) { self.output = output }
}

/// Options of `schedhost top`.
public struct TopOptions: Equatable, Sendable {
    /// The state directory.
    public var state: String?
    /// The initial sort key of the rows.
    public var key = TopScreen.Key.id
    /// The interval between two refreshes in ms, at least 100.
    public var intervalMs: Int64 = 1000
    /// Whether the output is JSON, which needs no terminal.
    public var isJSON = false
    /// Whether JSON is written repeatedly.
    public var isRepeated = false

    /// Creates options with their defaults.
    public init() {}
}
