internal import CHostSystem
internal import Glibc

/// A shared object in this process. Never unloaded: closing one that holds Swift code breaks the process.
@safe public struct DynamicLibrary: @unchecked Sendable {
    // @unchecked: a handle of dlopen(3) may be used from any thread.
    private let handle: UnsafeMutableRawPointer

    /// Why a file could not be loaded: the dynamic linker's own words.
    public struct Failure: Error, Sendable {
        /// One line, such as `libx.so: undefined symbol: y`.
        public let text: String
    }

    /// Loads a file and all that it needs, resolving every symbol now; runs its constructors. dlopen(3).
    public init(_ path: String) throws(Failure) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_NODELETE) else {
            let text = unsafe dlerror().map { text in unsafe String(cString: text) } ?? "dlopen failed"
            throw Failure(text: text)
        }
        unsafe self.handle = unsafe handle
    }

    /// Lets what is loaded later find the symbols of the libraries that this one is linked with, as if the program were
    /// linked with them; its own symbols stay its own. dlopen(3) with RTLD_GLOBAL.
    public func showDependencies() { unsafe chs_show_dependencies(handle) }

    /// The address of an exported symbol, or nil. dlsym(3).
    public func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        unsafe dlsym(handle, name)
    }
}
