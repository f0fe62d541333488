//! Writes the custom fields of a room (contract roomservice §4.9, §4.13).

use relive_core::LiveRoom;
use relive_wire::number;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// The field that shows the likes.
pub(crate) const PRAISE: &str = "praise";

/// The custom fields of a room as an object, the likes first.
pub(crate) struct Custom<'a>(pub(crate) &'a LiveRoom);

impl Serialize for Custom<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(PRAISE, &self.0.broadcast.likes)?;
        for (name, value) in self.0.fields().iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Appends the custom fields of a room as a JSON string that holds an object.
pub(crate) fn write_text(room: &LiveRoom, body: &mut Vec<u8>) {
    if room.fields().is_empty() {
        body.extend_from_slice(b"\"{\\\"praise\\\":");
        number(body, room.broadcast.likes);
        body.extend_from_slice(b"}\"");
    } else {
        body.extend(serde_json::to_vec(&text(room)).unwrap_or_else(|_| b"\"{}\"".to_vec()));
    }
}

/// The custom fields of a room as the text of a JSON object.
pub(crate) fn text(room: &LiveRoom) -> String {
    if room.fields().is_empty() {
        return format!("{{\"{PRAISE}\":{}}}", room.broadcast.likes);
    }
    serde_json::to_string(&Custom(room)).unwrap_or_default()
}
