//! Stores a type that wraps one number in a column of numbers.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    serialize::{self, Output, ToSql},
    sql_types::BigInt,
};

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

pub(super) use stored_as_bigint;

stored_as_bigint!(Seconds, UnixSeconds);
