public import CPluginAPI

/// A parameter that a configuration may set: declared to the host, which lists, checks and defaults it, and read
/// with its own type.
///
///     let source = Parameter("source", default: "file:///srv/prices.json", description: "where prices come from")
///     let plugin = Plugin("poller", version: "1.0.0", parameters: [source]) {
///         Routine("poll", wait: .seconds(5)) { scheduler in try poll(scheduler[source]) }
///     }
public struct Parameter<Value: ParameterValue>: ParameterDeclaration {
    /// As the configuration names it.
    public let name: String
    /// What holds when it is not set.
    public let defaultValue: Value
    /// "1..65535" (either end may be missing) or "a|b|c"; nil is any.
    public let range: String?
    /// One line for `schedhost list`.
    public let description: String?
    /// Whether its value is shown nowhere: not by `schedhost list`, in no log and no message about a mistake.
    public private(set) var isSecret = false

    /// A parameter with what holds when it is not set.
    public init(_ name: String, default value: Value, range: String? = nil, description: String? = nil) {
        self.name = name
        defaultValue = value
        self.range = range
        self.description = description
    }

    /// The same, with a value that is shown nowhere: `Parameter("token", default: "").secret`. A host of ABI 1.0 shows it.
    public var secret: Parameter {
        var secret = self
        secret.isSecret = true
        return secret
    }

    /// The descriptor, immortal.
    public func descriptor() -> UnsafePointer<schedhost_parameter> {
        var parameter = unsafe schedhost_parameter()
        unsafe parameter.struct_size = unsafe UInt32(MemoryLayout<schedhost_parameter>.size)
        unsafe parameter.type = Value.parameterType
        unsafe parameter.name = unsafe immortal(name)
        unsafe parameter.default_value = unsafe immortal(String(describing: defaultValue))
        unsafe parameter.range = unsafe range.map(immortal)
        unsafe parameter.description = unsafe description.map(immortal)
        if isSecret { unsafe parameter.flags = UInt32(SCHEDHOST_PARAM_SECRET) }
        return unsafe immortal(parameter)
    }
}

/// What a `Plugin` lists as its parameters: `Parameter` of any type.
public protocol ParameterDeclaration: Sendable {
    /// The descriptor, immortal.
    func descriptor() -> UnsafePointer<schedhost_parameter>
}

/// A type that a parameter can have: `String`, `Int`, `Double` or `Bool`.
public protocol ParameterValue: Sendable {
    /// SCHEDHOST_PARAM_….
    static var parameterType: UInt32 { get }
    /// The value that the host has for a name, or `fallback`.
    static func read(_ name: String, fallback: Self, from scheduler: Scheduler) -> Self
}

extension Scheduler {
    /// The value of a parameter: what the configuration says, else its default. Any thread.
    public subscript<Value: ParameterValue>(parameter: Parameter<Value>) -> Value {
        Value.read(parameter.name, fallback: parameter.defaultValue, from: self)
    }

    /// The parameter of that name, or `fallback` when it is not set or of another type. Any thread.
    public func parameter<Value: ParameterValue>(_ name: String, default fallback: Value) -> Value {
        Value.read(name, fallback: fallback, from: self)
    }

    /// All parameters as one JSON object. Any thread.
    public var parametersJSON: String {
        guard let text = unsafe table.params_json?(pointer) else { return "{}" }
        return unsafe String(cString: text)
    }
}

extension String: ParameterValue {
    /// SCHEDHOST_PARAM_STRING.
    public static var parameterType: UInt32 { UInt32(SCHEDHOST_PARAM_STRING) }
    /// The host's text, copied.
    public static func read(_ name: String, fallback: String, from scheduler: Scheduler) -> String {
        guard !name.hasNUL, let read = unsafe scheduler.table.param_string else { return fallback }
        return unsafe name.withCString { name in
            unsafe fallback.withCString { text in
                guard let found = unsafe read(scheduler.pointer, name, text) else { return fallback }
                return unsafe String(cString: found)
            }
        }
    }
}

extension Int: ParameterValue {
    /// SCHEDHOST_PARAM_INT.
    public static var parameterType: UInt32 { UInt32(SCHEDHOST_PARAM_INT) }
    /// The host's number.
    public static func read(_ name: String, fallback: Int, from scheduler: Scheduler) -> Int {
        unsafe Scheduler.read(name) { unsafe scheduler.table.param_int?(scheduler.pointer, $0, Int64(fallback)) }
            .map { Int($0) } ?? fallback
    }
}

extension Double: ParameterValue {
    /// SCHEDHOST_PARAM_DOUBLE.
    public static var parameterType: UInt32 { UInt32(SCHEDHOST_PARAM_DOUBLE) }
    /// The host's number.
    public static func read(_ name: String, fallback: Double, from scheduler: Scheduler) -> Double {
        unsafe Scheduler.read(name) { unsafe scheduler.table.param_double?(scheduler.pointer, $0, fallback) }
            ?? fallback
    }
}

extension Bool: ParameterValue {
    /// SCHEDHOST_PARAM_BOOL.
    public static var parameterType: UInt32 { UInt32(SCHEDHOST_PARAM_BOOL) }
    /// The host's truth.
    public static func read(_ name: String, fallback: Bool, from scheduler: Scheduler) -> Bool {
        unsafe Scheduler.read(name) { unsafe scheduler.table.param_bool?(scheduler.pointer, $0, fallback ? 1 : 0) }
            .map { $0 != 0 } ?? fallback
    }
}

extension Scheduler {
    /// What the host has for a name; nil for one with a NUL, of which C would take the beginning: another parameter.
    fileprivate static func read<Value>(_ name: String, _ ask: (UnsafePointer<CChar>) -> Value?) -> Value? {
        name.hasNUL ? nil : unsafe name.withCString(ask)
    }
}
