//! The order of the layers: which files make a layer, and which layers stand below which.

use crate::seed::PROTOCOLS;

/// The layers of `crates/core/src`, bottom first. Layers of one line are siblings: neither sees the other. A layer is a
/// folder, or a file, of that name.
const CORE: &[&[&str]] = &[
    &["error", "time"],
    &["config"],
    &["model"],
    &["sign"],
    &["limit", "login"],
    &["store"],
    &["table"],
    &["domain", "read_model"],
    &["replica"],
    &["handle"],
    &["database"],
    &["lib"],
];

/// The layers of an adapter, bottom first. The entry of a folder with a table of its own is that folder's `mod.rs`.
const ADAPTER: &[&[&str]] = &[&["shared"], &["handlers"], &["interface"], &["entry"], &["lib"]];

/// The files and folders of the layer `shared`: what handlers decode, check and encode with. Every other file of an
/// adapter holds handlers.
const SHARED: &[&str] = &[
    "call",
    "code",
    "config",
    "context",
    "custom_object",
    "delivery",
    "envelope",
    "fields",
    "identity",
    "local_time",
    "page",
    "pusher",
    "room_object",
    "route",
    "signature",
];

/// The layers of one crate.
#[derive(Debug)]
pub(crate) struct Order {
    /// The crate's folder below `crates/`.
    pub(crate) name: &'static str,
    rows: &'static [&'static [&'static str]],
    /// The layer's name for a file. A name that is in no row: nobody has decided where the file belongs.
    layer: fn(&str) -> &str,
}

/// The order of every crate that has layers.
pub(crate) fn orders() -> Vec<Order> {
    let core = Order { name: "core", rows: CORE, layer: head };
    let adapters = PROTOCOLS.iter().map(|protocol| Order {
        name: protocol.adapter,
        rows: ADAPTER,
        layer: adapter_layer,
    });
    std::iter::once(core).chain(adapters).collect()
}

impl Order {
    /// Where the crate's sources are.
    pub(crate) fn folder(&self) -> String {
        format!("crates/{}/src", self.name)
    }

    /// All layers, the top one first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().rev().flat_map(|row| row.iter().copied())
    }

    /// The layer of a file, given relative to [`Order::folder`]. `None`: nobody has decided where it belongs.
    pub(super) fn layer(&self, file: &str) -> Option<&'static str> {
        let name = (self.layer)(file);
        self.layers().find(|layer| *layer == name)
    }

    /// Whether files of one layer may use items of the other.
    pub(super) fn allows(&self, from: &str, to: &str) -> bool {
        let row = |layer: &str| self.rows.iter().position(|row| row.contains(&layer));
        from == to || row(to) < row(from)
    }
}

/// The folder of a file, or the name of a file beside `lib.rs`.
fn head(file: &str) -> &str {
    let head = file.split('/').next().unwrap_or(file);
    head.strip_suffix(".rs").unwrap_or(head)
}

/// A folder `callback/` is a small adapter of its own: its files are placed by their names, like those beside `lib.rs`.
fn adapter_layer(file: &str) -> &str {
    let inner = file.strip_prefix("callback/");
    match head(inner.unwrap_or(file)) {
        "lib" => "lib",
        "mod" if inner.is_some() => "entry",
        "interface" => "interface",
        name if SHARED.contains(&name) => "shared",
        _ => "handlers",
    }
}
