//! The state of the adapter, shared by all handlers.

use relive_core::Core;

use crate::{config::Config, route::Routes};

/// The core, the settings and the paths of the adapter.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) core: Core,
    pub(crate) config: Config,
    pub(crate) routes: Routes,
}

impl Context {
    pub(crate) fn new(core: Core, config: Config) -> Self {
        let routes = Routes::new(&config);
        Self { core, config, routes }
    }
}
