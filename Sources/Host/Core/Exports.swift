// Whoever imports this module has the values too.
@_exported public import HostValues
