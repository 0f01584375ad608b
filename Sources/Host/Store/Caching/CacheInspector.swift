internal import HostPolicy
public import HostSystem
public import HostValues

/// Inspects the cache files of a state directory, whether a host is running or not.
///
/// Reading disturbs no running host; nothing is set aside or repaired. All methods may be called on any thread.
public struct CacheInspector: Sendable {
    private let state: any CacheFolder
    private let clock: any HostClock
    private let origin: CacheOrigin
    private let elsewhere: @Sendable (String) throws(SystemError) -> any CacheFolder

    /// Makes an inspector for a state directory. `elsewhere` opens the folder of an absolute path, which a cache has named
    /// for its files; by default that of the file system.
    public init(
        state: any CacheFolder, clock: any HostClock, origin: CacheOrigin = CacheOrigin(),
        elsewhere: (@Sendable (String) throws(SystemError) -> any CacheFolder)? = nil
    ) {
        if let elsewhere {
            self.elsewhere = elsewhere
        } else {
            self.elsewhere = { (path) throws(SystemError) in SystemCacheFolder(try Directory(path), clock: clock) }
        }
        self.state = state
        self.clock = clock
        self.origin = origin
    }

    /// A filter for values; a property that is nil matches everything.
    public struct Selection: Equatable, Sendable {
        /// The plugin's id, either with an instance or for all of its instances.
        public var plugin: String?
        /// The routine's name.
        public var routine: String?
        /// The cache's name.
        public var name: String?
        /// The key; empty for the unkeyed value.
        public var key: [UInt8]?

        /// Makes a selection, by default of everything.
        public init(plugin: String? = nil, routine: String? = nil, name: String? = nil, key: [UInt8]? = nil) {
            self.plugin = plugin
            self.routine = routine
            self.name = name
            self.key = key
        }
    }

    /// One file, as listed.
    public struct Listing: Equatable, Sendable {
        /// The file's path within the state directory, or from the root on.
        public var file: String
        /// The id of the plugin that owns the value. For a damaged file it is derived from the path, and stays encoded
        /// where the encoded name was shortened; so do the next three.
        public var plugin: String
        /// The routine's name.
        public var routine: String
        /// The cache's name.
        public var name: String
        /// The key; empty for the unkeyed value.
        public var key: [UInt8]
        /// The value's properties from the header; nil if the file is damaged or was set aside.
        public var value: Value?
        /// What is wrong with the file; nil if it is valid.
        public var flaw: String?
        /// Whether the file was set aside only because its value has another codec or type than the plugin wanted.
        public var isOther = false
    }

    /// The properties of a valid file's value.
    public struct Value: Equatable, Sendable {
        /// The size of the value in bytes.
        public var size: Int
        /// The time in ns since its load completed; nil if that is unknown.
        public var age: Int64?
        /// The age at which it expires, in ns; `Int64.max` means never.
        public var expire: Int64
        /// Whether the value has expired, or its age is unknown.
        public var isExpired: Bool
        /// The wall time at which it was made, as the machine believed.
        public var produced: WallTime
        /// How long its load took, in ns.
        public var loadTime: Int64
        /// The value's generation, which grows with each load and put.
        public var generation: UInt64
        /// How often the source has made this value.
        public var loads: UInt64
        /// The encoding, by the plugin's own numbering.
        public var codec: UInt32
        /// The build id of the plugin that wrote the file.
        public var build: String
    }

    /// The result of `list`.
    public struct Report: Sendable {
        /// The files, ordered by plugin, routine, name and key.
        public var files: [Listing] = []
        /// The errors for what could not be read.
        public var errors: [SystemError] = []
    }

    /// Lists all files of a selection. It reads each file completely, so that damaged ones are recognized.
    public func list(_ selection: Selection = Selection()) -> Report {
        var report = Report()
        walk(selection, &report.errors) { place throws(SystemError) in
            if let listing = try listing(place), matches(listing, selection) { report.files.append(listing) }
        }
        report.files.sort { one, other in
            for (a, b) in [(one.plugin, other.plugin), (one.routine, other.routine), (one.name, other.name)] {
                let order = NaturalOrder.compare(a, b)
                if order != 0 { return order < 0 }
            }
            return NaturalOrder.precedes(one.file, other.file)
        }
        return report
    }

    /// One value with its bytes; nil if there is none. A damaged file has a flaw and no bytes.
    public func get(plugin: String, routine: String, name: String, key: [UInt8] = [])
        -> (listing: Listing, bytes: [UInt8]?)?
    {
        let selection = Selection(plugin: plugin, routine: routine, name: name, key: key)
        var found: (Listing, [UInt8]?)?
        var errors: [SystemError] = []
        walk(selection, &errors) { place throws(SystemError) in
            guard !place.isSetAside, place.ground != .left, let listing = try listing(place),
                matches(listing, selection),
                CacheName.areSame(listing.plugin, plugin)
            else { return }
            guard listing.flaw == nil,
                case .whole(_, let payload?) = try CacheFileReader.readAtRest(
                    place.folder, place.file, payload: .copied)
            else {
                found = (listing, nil)
                return
            }
            found = (listing, unsafe [UInt8](payload.bytes))
        }
        return found
    }

    /// Removes the files of a selection, including those set aside; returns their number. The workers of a running host
    /// also hold the values in memory, so the caller must tell the host.
    public func clear(_ selection: Selection) -> (removed: Int, errors: [SystemError]) {
        var removed = 0
        var errors: [SystemError] = []
        walk(selection, &errors) { place throws(SystemError) in
            guard let listing = try listing(place), matches(listing, selection) else { return }
            if place.ground == .anywhere, listing.value == nil {
                throw SystemError(
                    "unlinkat",
                    "\(listing.file): remove it yourself, for it may be anything, and a note of the plugin's leads there",
                    number: 1)
            }
            let lock = try place.folder.lock(CacheStore.lockFile, at: 0, patience: CacheStore.busy)
            defer { lock?.release() }
            // Records the generation, so that the next value gets a higher one; where there is no room for that, afterwards.
            let generation = listing.key.isEmpty ? listing.value?.generation ?? 0 : 0
            var isLate = false
            do throws(SystemError) {
                if generation > 0 { try CacheStore.raise(generation, of: listing.name, in: place.folder) }
            } catch {
                guard error.isDiskFull else { throw error }
                isLate = true
            }
            try place.folder.remove(place.file)
            removed += 1
            if isLate { try CacheStore.raise(generation, of: listing.name, in: place.folder) }
        }
        return (removed, errors)
    }

    // MARK: - The walk

    /// Where a file lies.
    private enum Ground {
        /// In the state directory: the host's own folder, or the plugin's data.
        case state
        /// In the host's own folder, left from before the cache named another one.
        case left
        /// Anywhere: nothing but a note, which a plugin can write, leads there.
        case anywhere
    }

    private struct Place {
        let folder: any CacheFolder
        let path: String
        let file: String
        let plugin: String
        let routine: String
        let name: String
        let key: String
        let ground: Ground
        var isSetAside: Bool { !file.hasSuffix(CacheStore.ending) }
    }

    private func walk(
        _ selection: Selection, _ errors: inout [SystemError], _ body: (Place) throws(SystemError) -> Void
    ) {
        each(["cache", "v1"][...], state, "", &errors) { root, path, errors in
            children(root, path, { isFolder($0, of: selection.plugin) }, &errors) {
                plugin, pluginName, path, errors in
                children(
                    plugin, path, { selection.routine.map { CacheName.encode($0) } == $0 || selection.routine == nil },
                    &errors
                ) {
                    routine, routineName, path, errors in
                    files(routine, path, pluginName, routineName, &errors, body)
                }
            }
        }
    }

    /// Whether a folder belongs to that plugin or one of its instances; always true without a plugin.
    private func isFolder(_ name: String, of plugin: String?) -> Bool {
        guard let plugin else { return true }
        return name == CacheName.encode(plugin) || name.hasPrefix(CacheName.encode(plugin + "@"))
    }

    private func each(
        _ parts: ArraySlice<String>, _ folder: any CacheFolder, _ path: String, _ errors: inout [SystemError],
        _ body: (any CacheFolder, String, inout [SystemError]) -> Void
    ) {
        var folder = folder
        do {
            for part in parts { folder = try folder.folder(part, create: false) }
        } catch {
            if !error.isNotFound { errors.append(error) }
            return
        }
        body(folder, ((path.isEmpty ? [] : [path]) + parts).joined(separator: "/"), &errors)
    }

    /// The files of a cache that has named a folder for them: only those in what belongs to the routine there, whatever the
    /// note says.
    private func walk(
        _ note: CachePath, of name: String, _ plugin: String, _ routine: String, _ errors: inout [SystemError],
        _ body: (Place) throws(SystemError) -> Void
    ) {
        if note.isAbsolute {
            do throws(SystemError) {
                let folder = try elsewhere(note.text)
                each([plugin, routine], folder, note.text, &errors) { folder, path, errors in
                    files(folder, path, plugin, routine, only: name, on: .anywhere, &errors, body)
                }
            } catch {
                if !error.isNotFound { errors.append(error) }
            }
            return
        }
        // A plugin's data folder; where nothing separates plugins they have one together.
        let isOwn = (try? state.folder("data", create: false).folder(plugin, create: false)) != nil
        let parts = ["data"] + (isOwn ? [plugin] : []) + note.parts + [plugin, routine]
        each(parts[...], state, "", &errors) { folder, path, errors in
            files(folder, path, plugin, routine, only: name, &errors, body)
        }
    }

    private func children(
        _ folder: any CacheFolder, _ path: String, _ isWanted: (String) -> Bool, _ errors: inout [SystemError],
        _ body: (any CacheFolder, String, String, inout [SystemError]) -> Void
    ) {
        do {
            for name in try folder.names() where isWanted(name) {
                do {
                    body(try folder.folder(name, create: false), name, "\(path)/\(name)", &errors)
                } catch {
                    // A file in a place for directories does not belong to the caches.
                    if !error.isNotFound, !error.isNotRegular { errors.append(error) }
                }
            }
        } catch {
            errors.append(error)
        }
    }

    private func files(
        _ folder: any CacheFolder, _ path: String, _ plugin: String, _ routine: String, only cache: String? = nil,
        on ground: Ground = .state, _ errors: inout [SystemError], _ body: (Place) throws(SystemError) -> Void
    ) {
        let names: [String]
        do {
            names = try folder.names()
        } catch {
            errors.append(error)
            return
        }
        let notes = cache == nil ? CacheNote.all(in: folder, among: names) : [:]
        func visit(_ file: String, of name: String, key: String = "", in place: any CacheFolder, _ path: String) {
            self.visit(
                Place(
                    folder: place, path: path, file: file, plugin: plugin, routine: routine, name: name, key: key,
                    ground: notes[name] == nil ? ground : .left), &errors, body)
        }
        for name in names {
            if let cache, !name.hasPrefix(cache + ".") { continue }
            if let stem = stem(name) {
                visit(name, of: stem, in: folder, path)
            } else if name.hasSuffix(CacheStore.keysEnding) {
                do {
                    let keys = try folder.folder(name, create: false)
                    for file in try keys.names() {
                        guard let stem = stem(file) else { continue }
                        let cache = String(name.dropLast(CacheStore.keysEnding.count))
                        visit(file, of: cache, key: stem, in: keys, "\(path)/\(name)")
                    }
                } catch {
                    // What is no folder has no values, and hides none.
                    if !error.isNotFound, !error.isNotRegular { errors.append(error) }
                }
            }
        }
        for (cache, note) in notes.sorted(by: { $0.key < $1.key }) {
            walk(note, of: cache, plugin, routine, &errors, body)
        }
    }

    private func stem(_ file: String) -> String? {
        for ending in CacheStore.endings where file.hasSuffix(ending) {
            return String(file.dropLast(ending.count))
        }
        return nil
    }

    private func visit(_ place: Place, _ errors: inout [SystemError], _ body: (Place) throws(SystemError) -> Void) {
        do {
            try body(place)
        } catch {
            if !error.isNotFound { errors.append(error) }
        }
    }

    private func listing(_ place: Place) throws(SystemError) -> Listing? {
        var listing = Listing(
            file: "\(place.path)/\(place.file)", plugin: CacheName.decode(place.plugin),
            routine: CacheName.decode(place.routine), name: CacheName.decode(place.name),
            key: CacheName.decodeBytes(place.key))
        if place.isSetAside {
            listing.isOther = place.file.hasSuffix(CacheStore.otherEnding)
            listing.flaw = listing.isOther ? "of another codec or type, set aside" : "corrupt, set aside"
            return listing
        }
        switch try CacheFileReader.readAtRest(place.folder, place.file, payload: .copied) {
        case .absent: return nil
        case .wrong(let reason): listing.flaw = reason
        case .whole(let header, _):
            guard isInPlace(header, place) else {
                listing.flaw = "it is another cache's"
                return listing
            }
            listing.plugin = header.plugin
            listing.routine = header.routine
            listing.name = header.name
            listing.key = header.key
            listing.value = value(header)
            if place.ground == .left { listing.flaw = "left from before the cache named another folder" }
        }
        return listing
    }

    private func isInPlace(_ header: CacheFileHeader, _ place: Place) -> Bool {
        CacheName.encode(header.plugin) == place.plugin && CacheName.encode(header.routine) == place.routine
            && CacheName.encode(header.name) == place.name
            && (header.key.isEmpty ? place.key.isEmpty : CacheName.encode(header.key) == place.key)
    }

    private func value(_ header: CacheFileHeader) -> Value {
        let age = header.produced.age(at: origin.now(clock))
        return Value(
            size: header.payloadSize, age: age, expire: header.expire,
            isExpired: age.map { $0 > header.expire } ?? true,
            produced: header.produced.wallTime, loadTime: header.loadTime, generation: header.generation,
            loads: header.loads, codec: header.codec, build: header.build)
    }

    private func matches(_ listing: Listing, _ selection: Selection) -> Bool {
        func fits(_ wanted: String?, _ name: String) -> Bool { wanted.map { CacheName.areSame($0, name) } ?? true }
        let isMeant = selection.plugin.map { InstanceName.matches(listing.plugin, by: $0) } ?? true
        return isMeant && fits(selection.routine, listing.routine)
            && fits(selection.name, listing.name) && (selection.key == nil || selection.key == listing.key)
    }
}
