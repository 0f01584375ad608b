internal import CHostSystem
internal import Glibc

/// A shared object loaded into this process. It is never unloaded, since unloading Swift code breaks the process.
@safe public struct DynamicLibrary: @unchecked Sendable {
    // @unchecked: a handle of dlopen(3) may be used from any thread.
    private let handle: UnsafeMutableRawPointer

    /// The reason why a file could not be loaded, in the dynamic linker's words.
    public struct Failure: Error, Sendable {
        /// One line, such as `libx.so: undefined symbol: y`.
        public let text: String
    }

    /// Loads a file with all its dependencies, resolving every symbol now; runs their constructors. dlopen(3).
    public init(_ path: String) throws(Failure) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_NODELETE) else {
            let text = unsafe dlerror().map { text in unsafe String(cString: text) } ?? "dlopen failed"
            throw Failure(text: text)
        }
        unsafe self.handle = unsafe handle
    }

    /// Makes the symbols of this library's dependencies visible to libraries that are loaded later, as if the program
    /// were linked with them. The library's own symbols stay private. dlopen(3) with RTLD_GLOBAL.
    public func showDependencies() { unsafe chs_show_dependencies(handle) }

    /// The address of an exported symbol, or nil if there is none. dlsym(3).
    public func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        unsafe dlsym(handle, name)
    }
}
