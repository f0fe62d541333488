//! The sign with which old room SDKs log in to the room service.

use super::{Key, digest::md5_hex};
use crate::{Seconds, UnixSeconds};

/// Length of time between now and the `tx_time` of a new sign.
pub const LIFETIME: Seconds = Seconds(600);

/// `md5(api_key + decimal(tx_time) + user_id)`, 32 lower-case hex digits; invalid after `tx_time`.
///
/// ```
/// use relive_core::{UnixSeconds, sign::{Key, room_service}};
/// let tx_time = UnixSeconds(1_700_000_000) + room_service::LIFETIME;
/// assert_eq!(room_service::sign(Key("demoApiKey0001"), tx_time, "anna_lee"), "90523eea0f860622f657bf179229912f");
/// ```
///
/// Source: contract tencent-cloud f, minilvb-v2 §4.10.
pub fn sign(api_key: Key<'_>, tx_time: UnixSeconds, user_id: &str) -> String {
    md5_hex(format!("{}{tx_time}{user_id}", api_key.0))
}
