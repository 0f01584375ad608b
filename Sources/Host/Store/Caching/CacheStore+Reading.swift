internal import HostSystem

/// Reading the files of values, and setting files aside.
extension CacheStore {
    /// Reads a value that must have this codec, or only its header. It normally waits for no lock, since files are
    /// replaced atomically and are not overwritten while they are open here.
    func read(_ path: Path, codec: UInt32, payload: CacheFileReader.Payload) throws(SystemError) -> Found {
        guard let folder = try directory(path, create: false)?.folder else { return .absent }
        switch try CacheFileReader.readAtRest(folder, path.file.text, payload: payload) {
        case .absent: return .absent
        case .whole(let header, let buffer) where isOurs(header, path):
            if header.codec == codec { return .value(header, buffer) }
            return try setAside(folder, path, codec, "it is of codec \(header.codec), not \(codec)")
        case .whole: return try setAside(folder, path, codec, "it is another cache's")
        case .wrong(let reason): return try setAside(folder, path, codec, reason)
        }
    }

    /// The valid header on disk; nil if there is no value or the file is damaged.
    func header(_ folder: any CacheFolder, _ path: Path) throws(SystemError) -> CacheFileHeader? {
        guard case .whole(let header, _) = try CacheFileReader.read(folder, path.file.text, payload: .none),
            isOurs(header, path)
        else { return nil }
        return header
    }

    private func isOurs(_ header: CacheFileHeader, _ path: Path) -> Bool {
        CacheName.areSame(header.plugin, plugin) && CacheName.areSame(header.routine, routine)
            && CacheName.areSame(header.name, path.name) && header.key == path.key
    }

    private func setAside(_ folder: any CacheFolder, _ path: Path, _ codec: UInt32, _ reason: String)
        throws(SystemError) -> Found
    {
        guard let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy) else { return .absent }
        defer { lock.release() }
        // Reads the file again under the lock, since it may have been replaced meanwhile.
        var other: CacheFileHeader?
        if case .whole(let header, let payload) = try CacheFileReader.read(folder, path.file.text, payload: .inPlace),
            isOurs(header, path)
        {
            if header.codec == codec { return .value(header, payload) }
            other = header
        }
        let name = FileName(path.stem + (other == nil ? Self.corruptEnding : Self.otherEnding))
        // The next value must have a later generation. If only the payload is damaged, the header still tells the last one.
        let told = other ?? CacheFileReader.glance(folder, path.file.text).flatMap { isOurs($0, path) ? $0 : nil }
        if path.key.isEmpty {
            if let told {
                try Self.raise(told.generation, of: path.name, in: folder)
            } else {
                try Self.leap(of: path.name, in: folder)
            }
        }
        do {
            try folder.rename(path.file, to: name)
        } catch {
            if error.isNotFound { return .absent }
            throw error
        }
        return .setAside(SetAside(file: name.text, reason: reason, generation: told?.generation ?? 0))
    }

    /// Sets aside a valid file that the plugin cannot decode; nil if the file is not of that generation.
    func reject(_ path: Path, generation: UInt64, reason: String) throws(SystemError) -> SetAside? {
        guard let folder = try directory(path, create: false)?.folder,
            let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy)
        else { return nil }
        defer { lock.release() }
        guard let found = try header(folder, path), found.generation == generation else { return nil }
        if path.key.isEmpty { try Self.raise(generation, of: path.name, in: folder) }
        let name = FileName(path.stem + Self.otherEnding)
        try folder.rename(path.file, to: name)
        return SetAside(file: name.text, reason: reason, generation: generation)
    }
}
