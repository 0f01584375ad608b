/// How often a test repeats what it does with random numbers. scripts/test runs such tests twice: with optimisation, where a
/// round takes a tenth of the time, in full, and without, where a trap of the debug build would show, a little.
public enum Rounds {
    /// Whether this was built with optimisation.
    public static let isOptimised: Bool = {
        #if DEBUG
            false
        #else
            true
        #endif
    }()

    /// One of the two numbers, by how this was built.
    public static func optimised(_ all: Int, plain few: Int) -> Int { isOptimised ? all : few }
}
