//! The table of notices, one row per kind of event. The number `event_type` selects the row.

use relive_core::{Core, sign::callback::Notice};

use super::{code::Code, event};

relive_wire::interfaces! {
    /// The kind of a notice.
    pub(crate) enum Event;
    async fn dispatch(core: &Core, notice: &Notice) -> Result<Code, Code>;
    Stopped: "stopped" => event::stopped, "contract minilvb-v1 §6.3, event 0";
    Started: "started" => event::started, "contract minilvb-v1 §6.3, event 1";
    Recorded: "recorded" => event::recorded, "contract minilvb-v1 §6.3, event 100";
    Other: "other" => event::other, "contract minilvb-v1 §6.3, event 200 and others";
}

impl Event {
    /// Finds the kind of an `event_type`.
    pub(crate) const fn of(event_type: Option<i64>) -> Self {
        match event_type {
            Some(0) => Self::Stopped,
            Some(1) => Self::Started,
            Some(100) => Self::Recorded,
            _ => Self::Other,
        }
    }
}
