public import HostValues
public import HostViews
public import HostWire

/// Options of `schedhost status` and of the commands that change a running host.
public struct OperateOptions: Equatable, Sendable {
    /// What is wanted.
    public var action: ControlRequest.Action
    /// `plugin/routine` or `plugin`; empty for `status` means all.
    public var identifiers: [String] = []
    /// The new log level, or nil to be told it.
    public var level: LogLevel?
    /// The state directory of the host that is asked.
    public var state: String?
    /// Whether the answer is shown as JSON.
    public var isJSON = false

    /// That action.
    public init(_ action: ControlRequest.Action) { self.action = action }
}

/// Options of a command that only asks.
public struct ClientOptions: Equatable, Sendable {
    /// The state directory of the host that is asked.
    public var state: String?
    /// Whether the answer is shown as JSON.
    public var isJSON: Bool

    /// That state directory's.
    public init(state: String?, isJSON: Bool = false) {
        self.state = state
        self.isJSON = isJSON
    }
}

/// Options of `schedhost report`.
public struct ReportOptions: Equatable, Sendable {
    /// The file to write; `-` for standard output.
    public var output: String
    /// The state directory.
    public var state: String?
    /// Whether what the page would show is written as JSON.
    public var isJSON = false

    /// Into that file.
    public init(output: String) { self.output = output }
}

/// Options of `schedhost top`.
public struct TopOptions: Equatable, Sendable {
    /// The state directory.
    public var state: String?
    /// What rows are sorted by at first.
    public var key = TopScreen.Key.id
    /// From one look to the next, ms, from 100.
    public var intervalMs: Int64 = 1000
    /// Whether it is written as JSON, to anywhere.
    public var isJSON = false
    /// Whether JSON is written again and again.
    public var isRepeated = false

    /// The defaults.
    public init() {}
}
