internal import CPluginAPI

/// Where the values of a cache are kept, and what that needs.
@usableFromInline
enum CacheStorage: Sendable {
    /// As objects; `cost` says what one counts for in the host's bound.
    case memory(cost: @Sendable (ValueBox) -> Int)
    /// As bytes, which the hosts of a cluster may share, in files of the host's own folder or of the one with that path.
    case disk(BoxCodec, isShared: Bool, path: String?)

    @usableFromInline
    enum Kind: Sendable {
        case memory, disk
    }

    var kind: Kind {
        switch self {
        case .memory: .memory
        case .disk: .disk
        }
    }

    /// In what another declaration of the same cache differs, as far as the host is concerned.
    func difference(_ other: CacheStorage) -> String? {
        guard case .disk(let codec, let isShared, let path) = self,
            case .disk(let otherCodec, let otherIsShared, let otherPath) = other
        else { return nil }
        if codec.identifier != otherCodec.identifier {
            return "its codec is \(codec.identifier) there and \(otherCodec.identifier) here"
        }
        if path != otherPath { return "its path is \(path ?? "nil") there and \(otherPath ?? "nil") here" }
        return isShared != otherIsShared ? "it is shared with other hosts in one of them only" : nil
    }

    /// Gives a value to the host, as a source does.
    func write(_ box: ValueBox, to writer: UnsafeMutablePointer<schedhost_writer>, cache: String) throws {
        let code: Int32
        switch self {
        case .memory(let cost):
            guard let set = unsafe writer.pointee.set_object else {
                throw CacheError(cache, code: Code.unsupported, message: "")
            }
            let cost = max(0, cost(box))
            let object = unsafe Unmanaged.passRetained(box).toOpaque()
            code = unsafe set(writer, object, ValueBox.release, cost)
            // What the host refuses is still ours.
            if code != Code.ok { unsafe ValueBox.release(object) }
        case .disk(let codec, _, _):
            guard let write = unsafe writer.pointee.write else {
                throw CacheError(cache, code: Code.unsupported, message: "")
            }
            code = unsafe try codec.encode(box).withUnsafeBytes { unsafe write(writer, $0.baseAddress, $0.count) }
        }
        if code != Code.ok { throw CacheError(cache, code: code, message: "") }
    }
}
