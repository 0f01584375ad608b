// An empty Swift program: what a process of this language costs. With an argument it waits until it is killed.
import Glibc

if CommandLine.argc > 1 { pause() }
