internal import CPluginAPI
internal import HostCore
internal import HostSystem

/// A plugin in this process: its descriptor, copied and checked.
@safe struct LoadedPlugin: @unchecked Sendable {
    // @unchecked: descriptors are immutable and live as long as the process.

    /// The descriptor, with zeros for what the plugin's is too short for.
    let descriptor: schedhost_plugin
    /// The routines, likewise, in the plugin's order.
    let routines: [schedhost_routine]
    /// What goes to the supervisor.
    let description: PluginDescription

    /// Why a file is no plugin: `phase` is `open` or `descriptor`.
    struct Refusal: Error {
        let phase: String
        let text: String
    }

    /// Loads the file, which runs its constructors, and reads its descriptor.
    init(path: String) throws(Refusal) {
        let library: DynamicLibrary
        do {
            library = try DynamicLibrary(path)
        } catch {
            throw Refusal(phase: "open", text: error.text)
        }
        guard let symbol = unsafe library.symbol(SCHEDHOST_ENTRY_SYMBOL) else {
            throw Refusal(phase: "open", text: "it does not export \(SCHEDHOST_ENTRY_SYMBOL)")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<schedhost_plugin>?
        let entry = unsafe unsafeBitCast(symbol, to: Entry.self)
        guard let pointer = unsafe entry() else {
            throw Self.bad("\(SCHEDHOST_ENTRY_SYMBOL) returned NULL")
        }
        try unsafe self.init(descriptor: pointer)
    }

    /// Reads a descriptor, which lives as long as the process.
    init(descriptor pointer: UnsafePointer<schedhost_plugin>) throws(Refusal) {
        unsafe descriptor = try unsafe copy(pointer, field: "plugin", least: 56)
        unsafe routines = unsafe try Self.routines(of: descriptor)
        description = unsafe try Self.describe(descriptor, routines)
    }

    private static func bad(_ text: String) -> Refusal { Refusal(phase: "descriptor", text: text) }

    private static func routines(of descriptor: schedhost_plugin) throws(Refusal) -> [schedhost_routine] {
        guard let list = unsafe descriptor.routines else { throw bad("routines is NULL: list at least one") }
        var routines: [schedhost_routine] = unsafe []
        while let pointer = unsafe list[routines.count] {
            unsafe routines.append(try unsafe copy(pointer, field: "routines[\(routines.count)]", least: 72))
            if unsafe routines.count > 200_000 { throw bad("routines does not end: close it with NULL") }
        }
        if unsafe routines.isEmpty { throw bad("routines is empty: list at least one") }
        return unsafe routines
    }

    private static func describe(_ plugin: schedhost_plugin, _ routines: [schedhost_routine])
        throws(Refusal) -> PluginDescription
    {
        if unsafe plugin.flags & ~UInt32(SCHEDHOST_SERIAL) != 0 {
            throw bad(unsafe "flags has bits that this host does not know (0x\(String(plugin.flags, radix: 16)))")
        }
        if unsafe plugin.needs_minor > SCHEDHOST_ABI_MINOR {
            throw bad(
                unsafe "it needs ABI \(SCHEDHOST_ABI_MAJOR).\(plugin.needs_minor) and this host has "
                    + "\(SCHEDHOST_ABI_MAJOR).\(SCHEDHOST_ABI_MINOR): use a newer host")
        }
        guard let version = unsafe text(plugin.version) else {
            throw bad("version is NULL: give one, such as \"1.0.0\"")
        }
        var names: Set<String> = []
        var described: [PluginDescription.Routine] = []
        for index in unsafe routines.indices {
            let routine = unsafe routines[index]
            let field = "routines[\(index)]"
            let name = try unsafe Self.name(routine.name, "\(field).name")
            if !names.insert(name).inserted { throw bad("\(field).name: there are two routines named \(name)") }
            if unsafe routine.run == nil { throw bad("\(field).run is NULL: \(name) has nothing to run") }
            if unsafe routine.flags != 0 { throw bad("\(field).flags must be 0") }
            if unsafe routine.wait_ms > 2_678_400_000 {
                throw bad(unsafe "\(field).wait_ms is \(routine.wait_ms): at most 2678400000 (31 days)")
            }
            unsafe described.append(
                PluginDescription.Routine(
                    name: name, description: unsafe text(routine.description), waitMs: routine.wait_ms,
                    maxCycles: routine.max_cycles, timeoutMs: routine.timeout_ms))
        }
        return unsafe PluginDescription(
            id: try unsafe name(plugin.id, "id"), version: version,
            description: unsafe text(plugin.description), isSerial: plugin.flags & UInt32(SCHEDHOST_SERIAL) != 0,
            parameters: try parameters(of: plugin), routines: described)
    }

    private static func parameters(of plugin: schedhost_plugin) throws(Refusal) -> [PluginDescription.Parameter] {
        guard let list = unsafe plugin.parameters else { return [] }
        var parameters: [PluginDescription.Parameter] = []
        while let pointer = unsafe list[parameters.count] {
            let field = "parameters[\(parameters.count)]"
            let parameter: schedhost_parameter = try unsafe copy(pointer, field: field, least: 16)
            let kind: PluginDescription.Parameter.Kind
            switch unsafe parameter.type {
            case UInt32(SCHEDHOST_PARAM_STRING): kind = .string
            case UInt32(SCHEDHOST_PARAM_INT): kind = .int
            case UInt32(SCHEDHOST_PARAM_DOUBLE): kind = .double
            case UInt32(SCHEDHOST_PARAM_BOOL): kind = .bool
            default: throw bad(unsafe "\(field).type is \(parameter.type): 1 string, 2 int, 3 double or 4 bool")
            }
            parameters.append(
                PluginDescription.Parameter(
                    name: try unsafe name(parameter.name, "\(field).name"), type: kind,
                    defaultValue: unsafe text(parameter.default_value), range: unsafe text(parameter.range),
                    description: unsafe text(parameter.description)))
            if parameters.count > 1000 { throw bad("parameters does not end: close it with NULL") }
        }
        return parameters
    }

    private static func name(_ pointer: UnsafePointer<CChar>?, _ field: String) throws(Refusal) -> String {
        guard let name = unsafe text(pointer) else { throw bad("\(field) is NULL") }
        let isGood =
            (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if !isGood {
            throw bad("\(field) is \"\(name.prefix(80))\": 1 to 64 of a-z A-Z 0-9 . _ -, not beginning with a dot")
        }
        return name
    }
}

/// Copies a struct that may be shorter or longer than ours: what it lacks is zero.
private func copy<Struct>(_ pointer: UnsafePointer<Struct>, field: String, least: Int)
    throws(LoadedPlugin.Refusal) -> Struct
{
    let size = Int(unsafe UnsafeRawPointer(pointer).load(as: UInt32.self))
    if size < least {
        throw LoadedPlugin.Refusal(
            phase: "descriptor",
            text: "\(field).struct_size is \(size), at least \(least): begin it with SCHEDHOST_SIZED")
    }
    return unsafe withUnsafeTemporaryAllocation(
        byteCount: MemoryLayout<Struct>.size, alignment: MemoryLayout<Struct>.alignment
    ) { copy in
        unsafe copy.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe copy.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, copy.count)))
        return unsafe copy.load(as: Struct.self)
    }
}
