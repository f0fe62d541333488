//! Typed texts by which clients and clouds name things, so that no file id stands where a user id belongs.
//!
//! A copy costs no allocation. Comparison and order are those of the text, byte by byte.

use std::{
    borrow::{Borrow, Cow},
    fmt,
    ops::Deref,
    sync::Arc,
};

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Serialize, Serializer};

macro_rules! names {
    ($( $(#[$meta:meta])* $name:ident; )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name of that text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<Cow<'_, str>> for $name {
            fn from(text: Cow<'_, str>) -> Self {
                Self::new(text)
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                *self.0 == *text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                *self.0 == **text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }
    )+ };
}

names! {
    /// The id a user types, of a guest or of a registered account; case-sensitive.
    UserId;
    /// The media cloud's name of a file: of a recording or of a short video.
    FileId;
    /// The name of an IM group, and with it of the audience that talks there.
    GroupId;
    /// The name under which a stream is pushed and played.
    StreamCode;
}

/// The audience of a recording is a group, too: its name is the file id.
impl From<&GroupId> for FileId {
    fn from(group: &GroupId) -> Self {
        Self(Arc::clone(&group.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_name_is_written_and_found_like_its_text() {
        let anna = UserId::from("anna");
        assert_eq!((format!("{anna}"), format!("{anna:?}")), ("anna".to_owned(), "\"anna\"".to_owned()));
        assert_eq!(serde_json::to_string(&anna).expect("a text"), "\"anna\"");
        assert_eq!(HashMap::from([(anna, 1)]).get("anna"), Some(&1));
    }
}
