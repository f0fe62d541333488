//! The derived password: minilvb-v2 clients send it instead of the password, and the passwords of all dialects are
//! converted to it before hashing. It opens the account as the password does: never store or log it.

use super::digest::md5_hex;
use crate::UserId;

/// `md5hex(md5hex(password) + user_id)`, 32 lower-case hex digits.
///
/// ```
/// use relive_core::sign::password::derive;
/// assert_eq!(derive("123456", &"anna_lee".into()), "708b6dcad9ec2f54b78cffdf4af09569");
/// ```
///
/// Source: contract minilvb-v2 §2.1, tencent-cloud g.2.
pub fn derive(password: &str, user_id: &UserId) -> String {
    md5_hex(format!("{}{user_id}", md5_hex(password)))
}
