internal import HostValues

/// The JSON fields of a description within the event that carries it.
extension PluginDescription {
    func write(to writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("version", version)
        writer.field("description", ifAny: description)
        writer.field("serial", isSerial)
        if offersStore { writer.field("store", true) }
        writer.objects("parameters", of: parameters) { parameter, writer in
            parameter.write(to: &writer)
        }
        if !needs.isEmpty {
            writer.list("needs", texts: needs)
        }
        writer.objects("routines", of: routines) { routine, writer in
            routine.write(to: &writer)
        }
    }

    mutating func take(_ name: String, from cursor: inout JSONCursor) throws(JSONFault) {
        switch name {
        case "id": id = try cursor.string()
        case "version": version = try cursor.string()
        case "description": description = try cursor.string()
        case "serial": isSerial = try cursor.bool()
        case "store": offersStore = try cursor.bool()
        case "parameters":
            // One element more than allowed is kept, so that `fault` reports the excess; further ones take no memory.
            try cursor.list { (cursor) throws(JSONFault) in
                if parameters.count > Bounds.parameters { return try cursor.skip() }
                parameters.append(try Parameter(from: &cursor))
            }
        case "needs":
            try cursor.list { (cursor) throws(JSONFault) in
                if needs.count > Bounds.needs { return try cursor.skip() }
                needs.append(try cursor.string())
            }
        case "routines":
            try cursor.list { (cursor) throws(JSONFault) in
                if routines.count > Bounds.routines { return try cursor.skip() }
                routines.append(try Routine(from: &cursor, after: routines.last))
            }
            routines = routines.map { $0 }  // trims spare capacity, since the routines are kept and there may be many
        default: try cursor.skip()
        }
    }
}

extension PluginDescription.Parameter {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("name", name)
        writer.field("type", type.rawValue)
        writer.field("default", ifAny: defaultValue)
        writer.field("range", ifAny: range)
        writer.field("description", ifAny: description)
        if isSecret { writer.field("secret", true) }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var parameter = Self(name: "", type: .string, defaultValue: nil, range: nil, description: nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "name": parameter.name = try cursor.string()
            case "type":
                guard let type = Kind(rawValue: try cursor.string()) else { throw cursor.fault("a type before this") }
                parameter.type = type
            case "default": parameter.defaultValue = try cursor.string()
            case "range": parameter.range = try cursor.string()
            case "secret": parameter.isSecret = try cursor.bool()
            case "description": parameter.description = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = parameter
    }
}

extension PluginDescription.Routine {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("name", name)
        writer.field("description", ifAny: description)
        writer.field("wait_ms", waitMs)
        writer.field("max_cycles", maxCycles)
        writer.field("timeout_ms", timeoutMs)
        writer.field("schedule", ifAny: schedule)
    }

    /// Reads a routine; one with the same defaults as `last` shares them.
    fileprivate init(from cursor: inout JSONCursor, after last: Self?) throws(JSONFault) {
        var own = ""
        var defaults = Self.absent.defaults
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "name": own = try cursor.string()
            case "description": defaults.description = try cursor.string()
            case "wait_ms": defaults.waitMs = try cursor.unsigned()
            case "max_cycles": defaults.maxCycles = try cursor.unsigned()
            case "timeout_ms": defaults.timeoutMs = try cursor.unsigned()
            case "schedule": defaults.schedule = try cursor.string()
            default: try cursor.skip()
            }
        }
        self.init(name: own, defaults, like: last)
    }
}
