internal import CPluginAPI
internal import HostValues
internal import HostWire

/// What an answer brings back, as far as there is room for it.
struct Findings {
    /// So much is kept of a value: one byte more than any record has.
    static let longestValue = StoreEvent.longestValue + 1

    private(set) var entries: [StoreAnswer.Entry] = []
    /// Whether there was room for all that was found.
    private(set) var isWhole = true
    private var room: AnswerRoom

    init(room: AnswerRoom) { self.room = room }

    mutating func add(_ entry: StoreAnswer.Entry) {
        isWhole = isWhole && room.take(entry)
        if isWhole { entries.append(entry) }
    }
}

/// Takes the keys of one page that a store lists.
@safe final class StoredPage {
    private(set) var found: Findings
    /// How many keys were told. Those that no host has written are among them: the page's end is counted by the store.
    private(set) var count = 0
    /// The key that was told last.
    private(set) var last: [UInt8] = []
    /// What the store told that cannot be.
    private(set) var fault: String?
    private let prefix: [UInt8]
    private let outer: Int
    private let most: Int

    /// A page of keys that begin with a prefix, of which so many bytes are the cluster's own.
    init(of prefix: [UInt8], without outer: Int, most: Int, _ found: Findings) {
        self.prefix = prefix
        self.outer = outer
        self.most = most
        self.found = found
    }

    static let take: schedhost_store_each = { user, key, size, version, _, bytes, length in
        guard let user = unsafe user else { return 1 }
        let page = unsafe Unmanaged<StoredPage>.fromOpaque(user).takeUnretainedValue()
        guard let key = unsafe key, size > 0, size <= Int(SCHEDHOST_STORE_MAX_KEY), unsafe bytes != nil || length == 0,
            length >= 0
        else {
            page.fault = "the store lists what is no key with a value"
            return 1
        }
        let kept = min(length, Findings.longestValue)
        return page.take(
            unsafe Array(UnsafeRawBufferPointer(start: key, count: size)), version,
            unsafe Array(UnsafeRawBufferPointer(start: bytes, count: kept))) ? 0 : 1
    }

    /// Takes a key; whether more are wanted.
    private func take(_ key: [UInt8], _ version: UInt64, _ value: [UInt8]) -> Bool {
        guard count < most else { return false }  // more than was asked for: the next page has them
        guard key.starts(with: prefix), key.count > outer else {
            fault = "the store lists keys that do not begin as was asked"
            return false
        }
        guard version > 0 else {
            fault = "the store lists a key without a version"
            return false
        }
        count += 1
        last = key
        if let name = key.dropFirst(outer).keyName { found.add(.init(key: name, version: version, value: value)) }
        return found.isWhole
    }
}

/// Takes the keys that a store says have changed.
@safe final class ChangedKeys {
    /// The most that are told at once: they are a hint.
    private static let most = 64

    private(set) var names: [String] = []
    private let prefix: [UInt8]
    private let outer: Int

    /// Keys that begin with a prefix, of which so many bytes are the cluster's own.
    init(of prefix: [UInt8], without outer: Int) {
        self.prefix = prefix
        self.outer = outer
    }

    static let take: schedhost_store_changed = { user, key, size in
        guard let user = unsafe user, let key = unsafe key, size > 0, size <= Int(SCHEDHOST_STORE_MAX_KEY) else {
            return
        }
        let keys = unsafe Unmanaged<ChangedKeys>.fromOpaque(user).takeUnretainedValue()
        guard keys.names.count < most else { return }
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: key, count: size))
        guard bytes.starts(with: keys.prefix), let name = bytes.dropFirst(keys.outer).keyName else { return }
        keys.names.append(name)
    }
}

extension ArraySlice<UInt8> {
    /// These bytes as a key; nil for what no host makes a key of.
    fileprivate var keyName: String? {
        guard !isEmpty, allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return String(decoding: self, as: UTF8.self)
    }
}
