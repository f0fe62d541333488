//! Custom fields: `set_custom_field`, `get_custom_info` (contract roomservice §4.13). The likes of a live are the field `praise`.

use relive_core::{FieldChange, FieldValue, GroupId, LiveRoom};
use relive_wire::{Integer, Object, Value};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    code::Code,
    custom_object::{Custom, PRAISE, text},
    fields,
    identity::Context,
    room::InRoom,
};

/// The name of `get_custom_info` in builds until 2019, which read the fields as a text.
pub(crate) const OLD_NAME: &str = "get_custom_Info";
/// Largest value that a call adds to the likes.
const MOST_PRAISE: i64 = 10;
/// Largest value that a call adds to another field.
const LARGEST_STEP: i64 = 1_000;
/// Largest value of a field, positive or negative.
const LARGEST_VALUE: i64 = i32::MAX as i64;
/// Longest value of a field in bytes.
const LONGEST_VALUE: usize = 256;

/// The change that a request asks for.
enum Change {
    Praise(i64),
    Other { name: String, change: FieldChange },
}

/// Request of `set_custom_field`.
pub(crate) struct SetCustomField {
    room: GroupId,
    change: Change,
}

impl TryFrom<&Object<'_>> for SetCustomField {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let room = fields::room_id(object)?;
        let name = fields::required_text(object, "fieldName", 64)?;
        if name.is_empty() {
            return Err(Code::Parameter("fieldName"));
        }
        let largest = if name == PRAISE { MOST_PRAISE } else { LARGEST_STEP };
        let step = || -> Result<i64, Code> {
            let step = fields::integer(object, "value")?.unwrap_or(1);
            if (1..=largest).contains(&step) { Ok(step) } else { Err(Code::Parameter("value")) }
        };
        let change = match &*fields::required_text(object, "operation", 64)? {
            "inc" => FieldChange::Add(step()?),
            "dec" => FieldChange::Add(-step()?),
            "set" => FieldChange::Set(value(object)?),
            _ => return Err(Code::Parameter("operation")),
        };
        let change = match change {
            FieldChange::Add(step) if name == PRAISE => Change::Praise(step),
            FieldChange::Set(_) if name == PRAISE => return Err(Code::Parameter("operation")),
            change => Change::Other { name: name.into_owned(), change },
        };
        Ok(Self { room, change })
    }
}

/// The value that a field is set to: an integer or a text.
fn value(object: &Object<'_>) -> Result<FieldValue, Code> {
    let refused = Code::Parameter("value");
    match object.present("value").ok_or(refused)? {
        Value::Text(text) if text.len() <= LONGEST_VALUE && !text.contains('\0') => {
            Ok(FieldValue::Text(text.clone().into_owned()))
        }
        number @ (Value::Int(_) | Value::Float(_)) => {
            let number = number
                .integer(Integer::Lenient)
                .filter(|number| (-LARGEST_VALUE..=LARGEST_VALUE).contains(number));
            number.map(FieldValue::Number).ok_or(refused)
        }
        _ => Err(refused),
    }
}

/// Reply with the custom fields of a room: an object, or a text for old builds, and the text once more.
pub(crate) struct CustomReply {
    room: LiveRoom,
    as_text: bool,
}

impl Serialize for CustomReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        let text = text(&self.room);
        if self.as_text {
            map.serialize_entry("custom", &text)?;
        } else {
            map.serialize_entry("custom", &Custom(&self.room))?;
        }
        map.serialize_entry("customInfo", &text)?;
        map.end()
    }
}

/// Changes a custom field, or counts likes.
pub(crate) async fn set_custom_field(cx: &Context<'_>, request: SetCustomField) -> Result<CustomReply, Code> {
    let SetCustomField { room, change } = request;
    let rooms = cx.core.live_rooms();
    match change {
        Change::Praise(by) => rooms.like(&room, by).await?,
        Change::Other { name, change } => {
            rooms.change_field(cx.caller()?.account(), room.clone(), name, change).await?;
        }
    }
    Ok(CustomReply { room: rooms.require(&room).await?, as_text: false })
}

/// Returns the custom fields of a room.
pub(crate) async fn get_custom_info(cx: &Context<'_>, InRoom(id): InRoom) -> Result<CustomReply, Code> {
    let room = cx.core.live_rooms().require(&id).await?;
    Ok(CustomReply { room, as_text: cx.name == OLD_NAME })
}
