//! Stores a type that wraps one number in a column of numbers, and one that wraps a text in a column of texts.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    pg::Pg,
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Text},
    sqlite::Sqlite,
};

use super::name::{FileId, GroupId, StreamCode, UserId};
use crate::{Seconds, UnixSeconds};

/// Lets types of one `i64` stand for a `BigInt`.
macro_rules! stored_as_bigint {
    ($($name:ty),+) => { $(
        impl<DB: Backend> ToSql<BigInt, DB> for $name where i64: ToSql<BigInt, DB> {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<BigInt, DB> for $name where i64: FromSql<BigInt, DB> {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                i64::from_sql(bytes).map(Self)
            }
        }
    )+ };
}

/// Lets types of one `Arc<str>` stand for a `Text`. The text is copied once, from where the database's client has it: a
/// `String` in between would be a second allocation.
macro_rules! stored_as_text {
    ($($name:ty),+) => { $(
        impl<DB: Backend> ToSql<Text, DB> for $name where str: ToSql<Text, DB> {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                ToSql::<Text, DB>::to_sql(self.as_str(), out)
            }
        }

        impl FromSql<Text, Sqlite> for $name {
            fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(Self::new(value.read_text()))
            }
        }

        impl FromSql<Text, Pg> for $name {
            fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(Self::new(str::from_utf8(value.as_bytes())?))
            }
        }
    )+ };
}

pub(super) use stored_as_bigint;

stored_as_bigint!(Seconds, UnixSeconds);
stored_as_text!(FileId, GroupId, StreamCode, UserId);
