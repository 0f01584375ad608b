internal import CHostSystem

/// How often a byte occurs in a part of an array.
public func count(of byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int {
    unsafe bytes.withUnsafeBytes { unsafe chs_count($0.baseAddress, $0.count, byte) }
}
