internal import HostStore
internal import HostValues
internal import HostWire

/// The keys in the store that one connection may reach: those of shared caches of one plugin, or of one
/// routine of it and of the plugin as a whole.
///
/// They are made here and nowhere else, of parts that are encoded each. So whatever a plugin writes on its socket, it reaches
/// no other plugin's values, and none of the records by which hosts hold leases.
struct SharedNames: Sendable {
    /// The plugin, as people call it.
    let plugin: String
    private let prefix: String
    private let encoded: String
    private let routine: String?

    /// The keys of an access.
    init(_ access: SharedAccess) {
        prefix = access.prefix
        plugin = access.plugin
        encoded = CacheName.encode(access.plugin)
        routine = access.routine
    }

    /// Where value and load of a key are; nil if they are out of reach.
    func places(of key: SharedKey) -> (value: [UInt8], load: [UInt8])? {
        name(of: key).map { (Array((prefix + "cache/" + $0).utf8), Array((prefix + "load/" + $0).utf8)) }
    }

    /// Where the load of a key is, without the cluster's prefix; nil if it is out of reach.
    func load(of key: SharedKey) -> String? { name(of: key).map { "load/" + $0 } }

    /// The name of a value, which is the end of both keys; nil if it is out of reach.
    func name(of key: SharedKey) -> String? {
        // What the routines of a plugin share is of no routine, and within the reach of each.
        if let routine, routine != key.routine, !key.routine.isEmpty { return nil }
        var name = encoded + "/" + CacheName.encode(key.routine) + "/" + CacheName.encode(key.name)
        name += (key.isOnDisk ? "/d" : "/m") + String(key.codec, radix: 16)
        if !key.key.isEmpty { name += "/" + CacheName.encode(key.key) }
        return name
    }
}
