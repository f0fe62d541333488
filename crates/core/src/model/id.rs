//! Typed numbers: the number of an account is another type than that of a room.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, SmallInt},
};

use super::column::stored_as_bigint;

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident; )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
        #[diesel(sql_type = BigInt)]
        pub struct $name(pub i64);

        stored_as_bigint!($name);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+ };
}

ids! {
    /// An account, guest or registered.
    AccountId;
    /// A broadcast.
    BroadcastId;
    /// A head picture.
    PictureId;
    /// A recording.
    RecordingId;
    /// A room's stable number, 1 to 2^31-1: what clients call room number, and the IM group unless they name another.
    RoomNumber;
    /// A short video.
    ShortVideoId;
}

macro_rules! numbered {
    ($( $(#[$meta:meta])* $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $number:literal, )+ } )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
        #[diesel(sql_type = SmallInt)]
        #[repr(i16)]
        pub enum $name { $( $(#[$vmeta])* $variant = $number, )+ }

        impl<DB: Backend> ToSql<SmallInt, DB> for $name where i16: ToSql<SmallInt, DB> {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                match self { $( Self::$variant => { const NUMBER: i16 = $number; NUMBER.to_sql(out) } )+ }
            }
        }

        impl<DB: Backend> FromSql<SmallInt, DB> for $name where i16: FromSql<SmallInt, DB> {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                match i16::from_sql(bytes)? {
                    $( $number => Ok(Self::$variant), )+
                    other => Err(format!("{other} is no {}", stringify!($name)).into()),
                }
            }
        }
    )+ };
}

numbered! {
    /// A protocol: a tag that selects a policy, nothing more.
    Dialect {
        /// Action-dispatched 小直播.
        MinilvbV1 = 1,
        /// Path-dispatched 小直播.
        MinilvbV2 = 2,
        /// 随心播.
        Sxb = 3,
        /// QPlus/Gotye.
        Qplus = 4,
        /// RoomService of the `LiveRoom` component.
        RoomService = 5,
    }

    /// The state of a broadcast.
    State {
        /// Announced, or taken off the air by a dialect that may bring it back; in no list.
        Prepared = 0,
        /// On air, in every live list.
        OnAir = 1,
        /// Ended; never on air again.
        Ended = 2,
    }

    /// The role of a member in an audience.
    Role {
        /// Watches the broadcast.
        Viewer = 0,
        /// Owns the room.
        Host = 1,
        /// Talks with the host.
        OnMic = 2,
    }

    /// The sex in a profile.
    Sex {
        /// Not stated.
        Unknown = 0,
        /// Male.
        Male = 1,
        /// Female.
        Female = 2,
    }
}
