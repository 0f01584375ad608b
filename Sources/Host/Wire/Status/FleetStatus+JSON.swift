public import HostValues

extension FleetStatus {
    /// Writes the fields of an object.
    public func write(to writer: inout JSONWriter) {
        writer.field("name", name)
        writer.field("store", store)
        writer.field("trouble", ifAny: trouble)
        if let ageMs { writer.field("age_ms", ageMs) }
        if let epoch { writer.field("epoch", epoch) }
        writer.field("lease_ms", leaseMs)
        writer.field("unreadable", unreadable)
        writer.field("cut", isCut)
        writer.list("hosts", of: hosts) { $0.write(to: &$1) }
        writer.objects("claims", of: claims) { claim, writer in
            writer.field("id", claim.id)
            writer.field("holder", ifAny: claim.holder)
            writer.field("token", claim.token)
            writer.field("since_ms", claim.sinceMs)
            if let left = claim.leftMs { writer.field("left_ms", left) }
        }
        writer.objects("records", of: records) { record, writer in
            record.write(to: &writer)
        }
    }

    /// Reads an object whose fields `write` wrote; unknown fields are skipped.
    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var status = FleetStatus(name: "", store: "", leaseMs: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "name": status.name = try cursor.string()
            case "store": status.store = try cursor.string()
            case "trouble": status.trouble = try cursor.string()
            case "age_ms": status.ageMs = try cursor.signed()
            case "epoch": status.epoch = try cursor.unsigned()
            case "lease_ms": status.leaseMs = try cursor.signed()
            case "unreadable": status.unreadable = try cursor.unsigned()
            case "cut": status.isCut = try cursor.bool()
            case "hosts": try cursor.list { (cursor) throws(JSONFault) in status.hosts.append(try Host(from: &cursor)) }
            case "claims":
                try cursor.list { (cursor) throws(JSONFault) in status.claims.append(try Claim(from: &cursor)) }
            case "records":
                try cursor.list { (cursor) throws(JSONFault) in
                    status.records.append(try SessionRecord(from: &cursor))
                }
            default: try cursor.skip()
            }
        }
        self = status
    }
}

extension FleetAnswer {
    /// Writes the fields of an object.
    func write(to writer: inout JSONWriter) {
        switch self {
        case .reading(let round): writer.field("reading", round)
        case .status(let status): status.write(to: &writer)
        }
    }

    /// Reads an object whose fields `write` wrote.
    init(from cursor: inout JSONCursor) throws(JSONFault) {
        let start = cursor
        var round: UInt64?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if name == "reading" { round = try cursor.unsigned() } else { try cursor.skip() }
        }
        if let round {
            self = .reading(round)
        } else {
            cursor = start
            self = .status(try FleetStatus(from: &cursor))
        }
    }
}

extension FleetStatus.Host {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("id", id)
        writer.field("name", name)
        writer.field("own", isOwn)
        writer.field("state", state.rawValue)
        if let sinceMs { writer.field("since_ms", sinceMs) }
        if let silentMs { writer.field("silent_ms", silentMs) }
        writer.field("version", version)
        writer.field("weight", weight)
        writer.field("leases", leases)
        writer.field("routines", routines)
        writer.field("running", running)
        writer.field("quarantined", quarantined)
        if let startMs { writer.field("start_ms", startMs) }
        if let skewMs { writer.field("skew_ms", skewMs) }
        writer.objects("sessions", of: sessions) { session, writer in
            writer.field("id", session.routine)
            writer.field("session", session.session)
            writer.field("start_ms", session.startMs)
            if let token = session.token { writer.field("token", token) }
        }
        writer.close()
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var host = Self(id: "", name: "", isOwn: false, state: .serving)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": host.id = try cursor.string()
            case "name": host.name = try cursor.string()
            case "own": host.isOwn = try cursor.bool()
            case "state":
                guard let state = FleetStatus.HostState(rawValue: try cursor.string()) else {
                    throw cursor.fault("a host's state before this")
                }
                host.state = state
            case "since_ms": host.sinceMs = try cursor.signed()
            case "silent_ms": host.silentMs = try cursor.signed()
            case "version": host.version = try cursor.string()
            case "weight": host.weight = try cursor.unsigned()
            case "leases": host.leases = try cursor.unsigned()
            case "routines": host.routines = try cursor.unsigned()
            case "running": host.running = try cursor.unsigned()
            case "quarantined": host.quarantined = try cursor.unsigned()
            case "start_ms": host.startMs = try cursor.signed()
            case "skew_ms": host.skewMs = try cursor.signed()
            case "sessions":
                try cursor.list { (cursor) throws(JSONFault) in
                    host.sessions.append(try FleetStatus.Session(from: &cursor))
                }
            default: try cursor.skip()
            }
        }
        self = host
    }
}

extension FleetStatus.Session {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var session = Self(routine: "", session: "", startMs: 0, token: nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": session.routine = try cursor.string()
            case "session": session.session = try cursor.string()
            case "start_ms": session.startMs = try cursor.signed()
            case "token": session.token = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        self = session
    }
}

extension FleetStatus.Claim {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var claim = Self(id: "", holder: nil, token: 0, sinceMs: 0, leftMs: nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": claim.id = try cursor.string()
            case "holder": claim.holder = try cursor.string()
            case "token": claim.token = try cursor.unsigned()
            case "since_ms": claim.sinceMs = try cursor.signed()
            case "left_ms": claim.leftMs = try cursor.signed()
            default: try cursor.skip()
            }
        }
        self = claim
    }
}
