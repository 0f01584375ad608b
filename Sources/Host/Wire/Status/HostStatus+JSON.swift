internal import HostValues

/// The JSON form of the status. It is written by hand for speed, because hosts with thousands of routines are queried
/// often.
extension HostStatus {
    /// The status as one JSON object, without line breaks.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("version", version)
        writer.field("pid", pid)
        writer.field("host", host)
        writer.field("now_ms", nowMs)
        writer.field("start_ms", startMs)
        writer.field("uptime_ms", uptimeMs)
        writer.field("plugins_path", pluginsPath)
        writer.field("state_path", statePath)
        writer.field("log_level", logLevel)
        writer.field("stopping", isStopping)
        writer.field("ready", isReady)
        if let residentBytes { writer.field("resident_bytes", residentBytes) }
        if let cpuMs { writer.field("cpu_ms", cpuMs) }
        writer.open("sandbox")
        writer.field("landlock_abi", sandboxABI)
        writer.field("missing", sandboxGaps.joined(separator: ", "))
        writer.close()
        if let cluster {
            writer.open("cluster")
            cluster.write(to: &writer)
            writer.close()
        }
        writer.list("plugins", of: plugins) { $0.write(to: &$1) }
        writer.list("refused_configurations", of: refusedConfigurations) { $0.write(to: &$1) }
        writer.list("workers", of: workers) { $0.write(to: &$1) }
        writer.list("routines", of: routines) { $0.write(to: &$1) }
        writer.close()
        return writer.bytes
    }

    /// Reads an object that `json` wrote; unknown fields are skipped.
    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var status = HostStatus(
            version: "", pid: 0, host: "", nowMs: 0, startMs: 0, uptimeMs: 0, pluginsPath: "", statePath: "",
            logLevel: "")
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "version": status.version = try cursor.string()
            case "pid": status.pid = Int32(truncatingIfNeeded: try cursor.signed())
            case "host": status.host = try cursor.string()
            case "now_ms": status.nowMs = try cursor.signed()
            case "start_ms": status.startMs = try cursor.signed()
            case "uptime_ms": status.uptimeMs = try cursor.signed()
            case "plugins_path": status.pluginsPath = try cursor.string()
            case "state_path": status.statePath = try cursor.string()
            case "log_level": status.logLevel = try cursor.string()
            case "stopping": status.isStopping = try cursor.bool()
            case "ready": status.isReady = try cursor.bool()
            case "resident_bytes": status.residentBytes = try cursor.unsigned()
            case "cpu_ms": status.cpuMs = try cursor.unsigned()
            case "sandbox":
                try cursor.object { (cursor, name) throws(JSONFault) in
                    switch name {
                    case "landlock_abi": status.sandboxABI = Int32(truncatingIfNeeded: try cursor.signed())
                    case "missing":
                        let text = try cursor.string()
                        status.sandboxGaps = text.isEmpty ? [] : text.parts(between: ", ")
                    default: try cursor.skip()
                    }
                }
            case "cluster": status.cluster = try ClusterStatus(from: &cursor)
            case "plugins":
                try cursor.list { (cursor) throws(JSONFault) in status.plugins.append(try Plugin(from: &cursor)) }
            case "refused_configurations":
                try cursor.list { (cursor) throws(JSONFault) in
                    status.refusedConfigurations.append(try RefusedConfiguration(from: &cursor))
                }
            case "workers":
                try cursor.list { (cursor) throws(JSONFault) in status.workers.append(try Worker(from: &cursor)) }
            case "routines":
                try cursor.list { (cursor) throws(JSONFault) in
                    status.routines.append(try RoutineStatus(from: &cursor))
                }
            default: try cursor.skip()
            }
        }
        self = status
    }
}

extension HostStatus.Plugin {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("id", id)
        writer.field("file", file)
        writer.field("version", version)
        writer.field("state", state)
        if let why { writer.field("why", why, limit: 2048) }
        writer.field("routines", routines)
        writer.close()
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var plugin = HostStatus.Plugin(id: "", file: "", version: "", state: "", why: nil, routines: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": plugin.id = try cursor.string()
            case "file": plugin.file = try cursor.string()
            case "version": plugin.version = try cursor.string()
            case "state": plugin.state = try cursor.string()
            case "why": plugin.why = try cursor.string()
            case "routines": plugin.routines = Int(clamping: try cursor.signed())
            default: try cursor.skip()
            }
        }
        self = plugin
    }
}

extension HostStatus.Worker {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("pid", pid)
        writer.field("name", name)
        writer.field("uptime_ms", uptimeMs)
        writer.field("sessions", sessions)
        if let residentBytes { writer.field("resident_bytes", residentBytes) }
        if let cpuMs { writer.field("cpu_ms", cpuMs) }
        writer.field("sandbox", sandbox)
        if !limits.isEmpty {
            writer.objects("limits", of: limits) { limit, writer in
                writer.field("limit", limit.name)
                writer.field("value", limit.value)
                writer.field("by", limit.by)
                writer.field("text", limit.text)
            }
        }
        writer.close()
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var worker = HostStatus.Worker(pid: 0, name: "", uptimeMs: 0, sessions: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "pid": worker.pid = Int32(truncatingIfNeeded: try cursor.signed())
            case "name": worker.name = try cursor.string()
            case "uptime_ms": worker.uptimeMs = try cursor.signed()
            case "sessions": worker.sessions = Int(clamping: try cursor.signed())
            case "resident_bytes": worker.residentBytes = try cursor.unsigned()
            case "cpu_ms": worker.cpuMs = try cursor.unsigned()
            case "sandbox": worker.sandbox = try cursor.string()
            case "limits":
                try cursor.list { (cursor) throws(JSONFault) in worker.limits.append(try Limit(from: &cursor)) }
            default: try cursor.skip()
            }
        }
        self = worker
    }
}

extension HostStatus.Worker.Limit {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var limit = HostStatus.Worker.Limit("", 0, by: "", text: "")
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "limit": limit.name = try cursor.string()
            case "value": limit.value = try cursor.unsigned()
            case "by": limit.by = try cursor.string()
            case "text": limit.text = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = limit
    }
}
