internal import CPluginAPI
internal import HostInspection
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// A plugin loaded into this process: its descriptor, copied and validated.
@safe struct LoadedPlugin: @unchecked Sendable {
    // @unchecked: descriptors are immutable and live as long as the process.

    /// The descriptor; fields that the plugin's struct is too short for are zero.
    let descriptor: schedhost_plugin
    /// The routines' descriptors, copied likewise, in the plugin's order.
    let routines: [schedhost_routine]
    /// The description that is sent to the supervisor.
    let description: PluginDescription

    /// The reason why a file is not a usable plugin; `stage` is `open` or `descriptor`.
    struct Refusal: Error {
        let stage: LoadStage
        let text: String
    }

    /// Loads the file, which runs its constructors, and reads its descriptor.
    ///
    /// Libraries that the plugin is linked with then become visible to whatever the plugin loads itself, as in a
    /// program: for example, the modules of an embedded interpreter find the interpreter. In a worker shared by several
    /// plugins this happens only if the plugin requests it by its flag, since one plugin's libraries could replace
    /// another's.
    init(path: String, isShared: Bool = false) throws(Refusal) {
        let library: DynamicLibrary
        do {
            library = try DynamicLibrary(path)
        } catch {
            throw Refusal(stage: .open, text: error.text + LoadAdvice.mend(of: error.text))
        }
        guard let symbol = unsafe library.symbol(SCHEDHOST_ENTRY_SYMBOL) else {
            throw Refusal(stage: .open, text: "it does not export \(SCHEDHOST_ENTRY_SYMBOL)")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<schedhost_plugin>?
        let entry = unsafe unsafeBitCast(symbol, to: Entry.self)
        guard let pointer = unsafe entry() else {
            throw Self.bad("\(SCHEDHOST_ENTRY_SYMBOL) returned NULL")
        }
        try unsafe self.init(descriptor: pointer)
        if unsafe !isShared || descriptor.flags & UInt32(SCHEDHOST_GLOBAL_LIBRARIES) != 0 { library.showDependencies() }
    }

    /// Reads a descriptor, which must live as long as the process.
    init(descriptor pointer: UnsafePointer<schedhost_plugin>) throws(Refusal) {
        unsafe descriptor = try unsafe copy(pointer, field: "plugin", least: 56)
        unsafe routines = unsafe try Self.routines(of: descriptor)
        description = unsafe try Self.describe(descriptor, routines)
    }

    private static func bad(_ text: String) -> Refusal { Refusal(stage: .descriptor, text: text) }

    private static func routines(of descriptor: schedhost_plugin) throws(Refusal) -> [schedhost_routine] {
        guard let list = unsafe descriptor.routines else {
            // Who offers a store to the hosts of a cluster has nothing to be run.
            if unsafe offersStore(descriptor) { return unsafe [] }
            throw bad("routines is NULL: list at least one")
        }
        var routines: [schedhost_routine] = unsafe []
        while let pointer = unsafe list[routines.count] {
            unsafe routines.append(try unsafe copy(pointer, field: "routines[\(routines.count)]", least: 72))
            if unsafe routines.count > PluginDescription.Bounds.routines { break }  // `fault` reports it
        }
        return unsafe routines
    }

    /// Whether it answers to the store's id. The answer itself is for the worker that runs the store.
    private static func offersStore(_ plugin: schedhost_plugin) -> Bool {
        guard let answer = unsafe plugin.extension else { return false }
        return unsafe answer(SCHEDHOST_STORE_ID) != nil
    }

    private static func describe(_ plugin: schedhost_plugin, _ routines: [schedhost_routine])
        throws(Refusal) -> PluginDescription
    {
        if unsafe plugin.flags & ~UInt32(SCHEDHOST_SERIAL | SCHEDHOST_GLOBAL_LIBRARIES) != 0 {
            throw bad(unsafe "flags has bits that this host does not know (0x\(String(plugin.flags, radix: 16)))")
        }
        if unsafe plugin.needs_minor > SCHEDHOST_ABI_MINOR {
            throw bad(
                unsafe "it needs ABI \(SCHEDHOST_ABI_MAJOR).\(plugin.needs_minor) and this host has "
                    + "\(SCHEDHOST_ABI_MAJOR).\(SCHEDHOST_ABI_MINOR): use a newer host")
        }
        guard let version = unsafe line(plugin.version) else {
            throw bad("version is NULL: give one, such as \"1.0.0\"")
        }
        var described: [PluginDescription.Routine] = []
        for index in unsafe routines.indices {
            let routine = unsafe routines[index]
            let field = "routines[\(index)]"
            let name = try unsafe Self.name(routine.name, "\(field).name")
            if unsafe routine.run == nil { throw bad("\(field).run is NULL: \(name) has nothing to run") }
            if unsafe routine.flags != 0 { throw bad("\(field).flags must be 0") }
            unsafe described.append(
                PluginDescription.Routine(
                    name: name, description: unsafe line(routine.description), waitMs: routine.wait_ms,
                    maxCycles: routine.max_cycles, timeoutMs: routine.timeout_ms, schedule: line(routine.schedule)))
        }
        let description = unsafe PluginDescription(
            id: try unsafe name(plugin.id, "id"), version: version,
            description: unsafe line(plugin.description), isSerial: plugin.flags & UInt32(SCHEDHOST_SERIAL) != 0,
            parameters: try parameters(of: plugin), routines: described, needs: needs(of: plugin),
            offersStore: offersStore(plugin))
        if let fault = description.fault ?? description.scheduleFault(isZone: TimeZones.has) { throw bad(fault) }
        return description
    }

    /// A text of a descriptor, read only up to the length that proves it too long.
    private static func line(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe PluginText.string(pointer, limit: PluginDescription.Bounds.text + 1)
    }

    private static func parameters(of plugin: schedhost_plugin) throws(Refusal) -> [PluginDescription.Parameter] {
        guard let list = unsafe plugin.parameters else { return [] }
        var parameters: [PluginDescription.Parameter] = []
        while let pointer = unsafe list[parameters.count] {
            let field = "parameters[\(parameters.count)]"
            let parameter: schedhost_parameter = try unsafe copy(pointer, field: field, least: 16)
            if unsafe parameter.flags & ~UInt32(SCHEDHOST_PARAM_SECRET) != 0 {
                throw bad(
                    unsafe "\(field).flags has bits that this host does not know (0x\(String(parameter.flags, radix: 16)))"
                )
            }
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
                    defaultValue: unsafe line(parameter.default_value), range: unsafe line(parameter.range),
                    description: unsafe line(parameter.description),
                    isSecret: unsafe parameter.flags & UInt32(SCHEDHOST_PARAM_SECRET) != 0))
            if parameters.count > PluginDescription.Bounds.parameters { break }  // `fault` reports it
        }
        return parameters
    }

    private static func needs(of plugin: schedhost_plugin) -> [String] {
        guard let list = unsafe plugin.needs else { return [] }
        var needs: [String] = []
        while let need = unsafe line(list[needs.count]) {
            needs.append(need)
            if needs.count > PluginDescription.Bounds.needs { break }  // `fault` reports it
        }
        return needs
    }

    private static func name(_ pointer: UnsafePointer<CChar>?, _ field: String) throws(Refusal) -> String {
        guard let name = unsafe line(pointer) else { throw bad("\(field) is NULL") }
        return name
    }
}

/// Copies a struct that may be shorter or longer than ours; missing fields are zero.
private func copy<Struct>(_ pointer: UnsafePointer<Struct>, field: String, least: Int)
    throws(LoadedPlugin.Refusal) -> Struct
{
    let size = Int(unsafe UnsafeRawPointer(pointer).load(as: UInt32.self))
    if size < least {
        throw LoadedPlugin.Refusal(
            stage: .descriptor,
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
