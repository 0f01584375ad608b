internal import CPluginAPI

/// The numbers of abi.h as the callbacks return them.
enum Code {
    static let ok = Int32(SCHEDHOST_OK)
    static let error = Int32(SCHEDHOST_ERROR)
    static let invalid = Int32(SCHEDHOST_INVALID)
    static let reentrant = Int32(SCHEDHOST_REENTRANT)
    static let notFound = Int32(SCHEDHOST_NOT_FOUND)
    static let sourceFailed = Int32(SCHEDHOST_SOURCE_FAILED)
    static let unsupported = Int32(SCHEDHOST_UNSUPPORTED)
    static let notHere = Int32(SCHEDHOST_NOT_HERE)
    static let stopped = Int32(SCHEDHOST_STOPPED)
}
