internal import HostValues

/// Writes the numbers and texts of one frame or record.
struct FrameWriter {
    private(set) var bytes: [UInt8] = []

    mutating func begin(_ kind: UInt16, _ id: UInt64) {
        bytes = [0, 0, 0, 0]
        number(kind)
        number(UInt16(0))
        number(id)
    }

    /// The frame, with its size in front.
    mutating func finish() -> [UInt8] {
        let size = UInt32(truncatingIfNeeded: bytes.count - 4)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: size >> (8 * UInt32(index))) }
        return bytes
    }

    mutating func number<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func block(_ block: some Collection<UInt8>) {
        number(UInt32(truncatingIfNeeded: block.count))
        bytes.append(contentsOf: block)
    }

    mutating func numbers(_ numbers: [UInt64]) {
        number(UInt32(truncatingIfNeeded: numbers.count))
        for one in numbers { number(one) }
    }

    mutating func text(_ text: String) { block(text.utf8) }

    mutating func key(_ key: SharedKey) {
        number(UInt8(key.isOnDisk ? 1 : 0))
        number(key.codec)
        text(key.routine)
        text(key.name)
        block(key.key)
    }

    mutating func value(_ value: SharedValue) {
        number(value.produced.nanoseconds)
        number(value.keepMs)
        block(value.bytes)
    }

    mutating func failure(_ failure: SharedFailure) {
        number(failure.code)
        text(failure.text)
    }

    mutating func reading(_ reading: SharedReading) {
        switch reading.load {
        case .none: number(UInt8(0))
        case .running(let version):
            number(UInt8(1))
            number(version)
        case .failed(let version, let failure, let left):
            number(UInt8(2))
            number(version)
            self.failure(failure)
            number(left)
        }
        guard let value = reading.value else { return number(UInt8(0)) }
        number(UInt8(value.bytes == nil ? 1 : 2))
        number(value.version)
        number(value.begun)
        number(value.produced?.nanoseconds ?? .min)
        if let bytes = value.bytes { block(bytes) }
    }
}

/// Reads the numbers and texts of one frame or record. What is missing or wrong reads as nothing, and then the whole is
/// not `isWhole`.
struct FrameReader {
    private let bytes: [UInt8]
    private var offset = 0
    private var isWrong = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether all that was read was there, and nothing is left.
    var isWhole: Bool { !isWrong && offset == bytes.count }

    /// All that has not been read.
    mutating func rest() -> [UInt8] {
        defer { offset = bytes.count }
        return Array(bytes[offset...])
    }

    mutating func begin() -> (kind: UInt16, id: UInt64) {
        let size = number(UInt32.self)
        if Int(size) != bytes.count - 4 { isWrong = true }
        let kind = number(UInt16.self)
        if number(UInt16.self) != 0 { isWrong = true }
        return (kind, number())
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - offset >= size else {
            isWrong = true
            offset = bytes.count
            return 0
        }
        var number: Number = 0
        unsafe withUnsafeMutableBytes(of: &number) { unsafe $0.copyBytes(from: bytes[offset..<offset + size]) }
        offset += size
        return Number(littleEndian: number)
    }

    mutating func block(most: Int) -> [UInt8] {
        let size = Int(number(UInt32.self))
        guard size <= most, bytes.count - offset >= size else {
            isWrong = true
            offset = bytes.count
            return []
        }
        defer { offset += size }
        return Array(bytes[offset..<offset + size])
    }

    mutating func numbers(most: Int) -> [UInt64] {
        let count = Int(number(UInt32.self))
        guard count <= most, (bytes.count - offset) / 8 >= count else {
            isWrong = true
            offset = bytes.count
            return []
        }
        return (0..<count).map { _ in number() }
    }

    mutating func text(most: Int = SharedFrame.longestText) -> String {
        let block = block(most: most)
        guard let text = String(validating: block, as: UTF8.self) else {
            isWrong = true
            return ""
        }
        return text
    }

    private mutating func flag(most: UInt8) -> UInt8 {
        let flag = number(UInt8.self)
        if flag > most { isWrong = true }
        return flag
    }

    mutating func truth() -> Bool { flag(most: 1) == 1 }

    mutating func key() -> SharedKey {
        let isOnDisk = truth()
        let codec = number(UInt32.self)
        return SharedKey(
            routine: text(), name: text(), isOnDisk: isOnDisk, codec: codec, key: block(most: SharedFrame.longestText))
    }

    mutating func value() -> SharedValue {
        SharedValue(
            produced: BootTime(nanoseconds: number()), keepMs: number(), bytes: block(most: SharedFrame.longest))
    }

    mutating func failure() -> SharedFailure {
        SharedFailure(code: number(), text: text(most: SharedFailure.longestText))
    }

    mutating func reading() -> SharedReading {
        var reading = SharedReading()
        switch flag(most: 2) {
        case 1: reading.load = .running(version: number())
        case 2: reading.load = .failed(version: number(), failure(), left: max(0, number()))
        default: break
        }
        let has = flag(most: 2)
        guard has > 0 else { return reading }
        let (version, begun, produced) = (number(UInt64.self), number(UInt64.self), number(Int64.self))
        reading.value = SharedReading.Value(
            version: version, begun: begun, produced: produced == .min ? nil : BootTime(nanoseconds: produced),
            bytes: has == 2 ? block(most: SharedFrame.longest) : nil)
        return reading
    }
}
