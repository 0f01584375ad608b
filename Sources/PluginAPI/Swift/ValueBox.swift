internal import CPluginAPI

/// A cache's value as an object, with the type that it holds.
///
/// Below the generic front of the caches all code handles boxes, so that a hit runs no generic code but the last step,
/// which is inlined where the value's type is known.
@usableFromInline
class ValueBox: @unchecked Sendable {
    // @unchecked: immutable; the caches take Sendable values only.
    let type: ObjectIdentifier

    @usableFromInline
    init(type: ObjectIdentifier) { self.type = type }
}

@usableFromInline
final class TypedBox<Value>: ValueBox, @unchecked Sendable {
    // @unchecked: as its parent.
    @usableFromInline
    let value: Value

    @inlinable
    init(_ value: Value) {
        self.value = value
        super.init(type: ObjectIdentifier(Value.self))
    }
}

extension ValueBox {
    /// The value. The caller has compared the types, as `CacheBinding` does with each box that a host gives.
    @inlinable
    @inline(__always)
    func value<Value>(as type: Value.Type) -> Value {
        unsafe unsafeDowncast(self, to: TypedBox<Value>.self).value
    }

    /// What the host calls when the last user of the object is done.
    static let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = { object in
        if let object = unsafe object { unsafe Unmanaged<ValueBox>.fromOpaque(object).release() }
    }
}

/// A codec of boxes.
@usableFromInline
struct BoxCodec: Sendable {
    let identifier: UInt32
    let encode: @Sendable (ValueBox) throws -> [UInt8]
    let decode: @Sendable ([UInt8]) throws -> ValueBox

    @usableFromInline
    init<Value>(_ codec: Codec<Value>) {
        identifier = codec.identifier
        encode = { try codec.encode($0.value(as: Value.self)) }
        decode = { TypedBox(try codec.decode($0)) }
    }
}

/// How a value is made: by a closure given with the call, or by a declaration, which outlives the call.
@safe enum Loader {
    case plain(() throws -> ValueBox)
    /// By a closure of the caller's, which lies there until the call returns, and what calls it.
    case lent(UnsafeRawPointer, (UnsafeRawPointer) throws -> ValueBox)
    case declared(Unmanaged<CacheDeclaration>)

    /// The declaration, if there is one.
    var declaration: ObjectIdentifier? {
        switch self {
        case .plain, .lent: nil
        case .declared(let cache): unsafe cache._withUnsafeGuaranteedRef { ObjectIdentifier($0) }
        }
    }

    func callAsFunction(_ key: String) throws -> ValueBox {
        switch self {
        case .plain(let load): try load()
        case .lent(let load, let make): unsafe try make(load)
        case .declared(let cache): unsafe try cache._withUnsafeGuaranteedRef { try $0.load(key) }
        }
    }
}

/// What one call asks of a cache.
@usableFromInline
struct CacheRequest {
    var key: String
    var fresh: Bool
    var tolerance: Duration

    @usableFromInline
    init(key: String, fresh: Bool, tolerance: Duration) {
        self.key = key
        self.fresh = fresh
        self.tolerance = tolerance
    }
}
