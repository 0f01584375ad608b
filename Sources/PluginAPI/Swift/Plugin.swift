@_exported public import CPluginAPI

/// The ELF note that tells the host, before any code of this file runs, that it is a plugin: the words of
/// `schedhost_note` in abi.h, for ABI 1.1 and the language Swift.
///
/// It stands in this file so that a static archive yields it together with `Plugin`.
@section(".note.schedhost") @used
let pluginNote:
    (
        UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32
    ) = (
        10, 16, 1,  // the sizes of name and words, the type
        0x6568_6373, 0x736f_6864, 0x0000_0074,  // "schedhost", padded with zeros
        1, 1, 0, 2  // ABI major and minor, the least minor needed, SCHEDHOST_LANGUAGE_SWIFT
    )

/// What a plugin is: its name, its parameters and its routines. One global constant in each plugin.
///
///     let plugin = Plugin("hello", version: "1.0.0") {
///         Routine("greet", wait: .seconds(5)) { scheduler in
///             scheduler.log.info("hello, cycle \(scheduler.cycle)")
///         }
///     }
///
///     @c(schedhost_plugin_v1)
///     public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
///
/// Names are 1 to 64 of the characters `a-z A-Z 0-9 . _ -` and do not begin with a dot; the host refuses others
/// and says which.
@safe public final class Plugin: @unchecked Sendable {
    // @unchecked: the descriptor is written in `init` and never again.

    /// The descriptor that the entry returns. Made once; immutable; lives as long as the process.
    public let descriptor: UnsafePointer<schedhost_plugin>

    /// Describes a plugin. Runs nothing.
    ///
    /// - Parameters:
    ///   - id: the plugin's name, unique in a host.
    ///   - version: for display and the records, such as "1.2.0".
    ///   - description: one line for `schedhost list`.
    ///   - serial: whether the plugin's routines never overlap each other.
    ///   - globalLibraries: whether what the plugin loads itself finds the plugin's libraries also in a worker that other
    ///     plugins share; in one of its own that is so anyway.
    ///   - needsMinor: the least minor of the host's ABI that the plugin needs; 0 is any.
    ///   - needs: what the plugin needs of its sandbox beside its own folders. Where the configuration does not allow all of
    ///     it the plugin is refused, and the line that would allow it is told.
    ///   - parameters: what a configuration may set; the host lists and checks these.
    ///   - routines: at least one, names unique.
    ///   - load: runs once, before any routine starts, with the plugin's log and parameters, and of caches those of
    ///     the scope `.plugin`. An error refuses the plugin.
    ///   - unload: runs once, after the last routine has stopped.
    @preconcurrency public init(
        _ id: String, version: String, description: String? = nil, serial: Bool = false, globalLibraries: Bool = false,
        needsMinor: UInt32 = 0,
        needs: [Need] = [],
        parameters: [any ParameterDeclaration] = [],
        @RoutineBuilder routines: () -> [Routine],
        load: (@Sendable (Scheduler) throws -> Void)? = nil,
        unload: (@Sendable (Scheduler) throws -> Void)? = nil
    ) {
        var plugin = unsafe schedhost_plugin()
        unsafe plugin.struct_size = unsafe UInt32(MemoryLayout<schedhost_plugin>.size)
        unsafe plugin.flags =
            (serial ? UInt32(SCHEDHOST_SERIAL) : 0) | (globalLibraries ? UInt32(SCHEDHOST_GLOBAL_LIBRARIES) : 0)
        unsafe plugin.id = unsafe immortal(id)
        unsafe plugin.version = unsafe immortal(version)
        unsafe plugin.description = unsafe description.map(immortal)
        unsafe plugin.needs_minor = needsMinor
        if !needs.isEmpty { unsafe plugin.needs = unsafe immortal(list: needs.map { unsafe immortal($0.text) }) }
        unsafe plugin.parameters = unsafe immortal(list: parameters.map { unsafe $0.descriptor() })
        let shared = PluginCaches()
        unsafe plugin.routines = unsafe immortal(list: routines().map { unsafe $0.descriptor(shared) })
        unsafe plugin.user = unsafe CallbackContext(.plugin(load: load, unload: unload), shared).immortalPointer()
        if load != nil { unsafe plugin.load = unsafe loadCallback }
        if unload != nil { unsafe plugin.unload = unsafe unloadCallback }
        unsafe descriptor = unsafe immortal(plugin)
    }
}

/// One thing that a plugin needs of its sandbox: what an operator allows by `sandbox {}` in its configuration.
public enum Need: Sendable {
    /// To read a file, or beneath a folder, from the root on.
    case read(String)
    /// To write there.
    case write(String)
    /// To execute a program.
    case execute(String)
    /// To connect to a TCP port.
    case connect(UInt16)
    /// To listen at a TCP port.
    case bind(UInt16)
    /// To use UDP.
    case udp
    /// To connect to a socket of the file system.
    case unix(String)
    /// To make a system call, by its name.
    case systemCall(String)
    /// To have a variable of the host's environment.
    case environment(String)

    /// As the descriptor has it.
    var text: String {
        switch self {
        case .read(let path): "read=" + path
        case .write(let path): "write=" + path
        case .execute(let path): "execute=" + path
        case .connect(let port): "connect=\(port)"
        case .bind(let port): "bind=\(port)"
        case .udp: "udp"
        case .unix(let path): "unix=" + path
        case .systemCall(let name): "syscalls=" + name
        case .environment(let name): "environment=" + name
        }
    }
}

/// Collects the routines that a `Plugin` lists, with `if` and `for` where they help.
@resultBuilder
public enum RoutineBuilder {
    /// One routine.
    public static func buildExpression(_ routine: Routine) -> [Routine] { [routine] }
    /// Several at once.
    public static func buildExpression(_ routines: [Routine]) -> [Routine] { routines }
    /// All of a block.
    public static func buildBlock(_ parts: [Routine]...) -> [Routine] { parts.flatMap { $0 } }
    /// An `if` without an `else`.
    public static func buildOptional(_ part: [Routine]?) -> [Routine] { part ?? [] }
    /// The first branch of an `if`.
    public static func buildEither(first part: [Routine]) -> [Routine] { part }
    /// The second branch of an `if`.
    public static func buildEither(second part: [Routine]) -> [Routine] { part }
    /// A `for` loop.
    public static func buildArray(_ parts: [[Routine]]) -> [Routine] { parts.flatMap { $0 } }
}
