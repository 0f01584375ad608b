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
