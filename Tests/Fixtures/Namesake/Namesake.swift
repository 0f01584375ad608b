// Two plugins of one module name, from one source: each has types of the same names as the other's, of another layout,
// and asks the runtime for them in the ways that go by name. With -D SECOND it is the second one.
import PluginAPI

#if SECOND
    let own = "second"
    struct Reading: CustomStringConvertible, Hashable {
        var x = 7
        var y = 8
        var description: String { "second reads \(x + y)" }
    }
    struct Pad { var text = "p" }
    let field = \Reading.y
#else
    let own = "first"
    struct Reading: CustomStringConvertible, Hashable {
        var name = "a text on the heap"
        var description: String { "first reads \(name)" }
    }
    struct Pad { var numbers = (1, 2, 3) }
    let field = \Reading.name
#endif

protocol Shape {
    associatedtype Part
    var parts: [Part] { get }
    func name() -> String
}

struct Box<Content> {
    var pad = Pad()
    let content: Content
}

extension Box: CustomStringConvertible where Content: CustomStringConvertible {
    var description: String { "\(own) box of \(content)" }
}

extension Box: Shape where Content: Hashable {
    var parts: [Content] { [content] }
    func name() -> String { "\(own) shape of \(parts)" }
}

class Base<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
    func tell() -> String { "base" }
}

final class Derived: Base<Reading> {
    var pad = Pad()
    override func tell() -> String { "\(own) derived \(value)" }
}

enum Trouble: Error { case one(Reading) }

// None is inlined: what a value is must be found at run time.
@inline(never) func erase(_ value: Any) -> Any { value }
@inline(never) func tell(_ value: Any) -> String { "\(value)" }
@inline(never) func get<Root, Value>(_ root: Root, _ path: KeyPath<Root, Value>) -> Value { root[keyPath: path] }
@inline(never) func cast<Value>(_ value: Any, to type: Value.Type) -> String { (value as? Value).map(tell) ?? "none" }
@inline(never) func fail() throws { throw Trouble.one(Reading()) }

let plugin = Plugin("namesake-\(own)", version: "1.0.0") {
    Routine("tick", wait: .milliseconds(20)) { scheduler in
        let box = erase(Box(content: Reading()))
        let table = erase(["a": Reading()]) as? [String: any CustomStringConvertible]
        var words = [
            tell(box), (box as? any Shape)?.name() ?? "no shape", cast(box, to: Box<Reading>.self),
            cast(erase([Reading()]), to: [Reading].self), table?["a"]?.description ?? "no table",
            tell(get(Reading(), field)), (erase(Derived(Reading())) as? Base<Reading>)?.tell() ?? "not derived",
            tell(Mirror(reflecting: Reading()).children.map { tell($0.value) }),
            tell(Set([AnyHashable(Reading())]).contains(AnyHashable(Reading()))),
        ]
        do { try fail() } catch let Trouble.one(reading) { words.append(tell(reading)) }
        words.append(tell(try scheduler.cacheMemory("box", expire: .seconds(60)) { Box(content: Reading()) }))
        scheduler.log.info(words.joined(separator: "; "))
    }
}

/// The entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
