//! The domain of relive: accounts, sessions, rooms, broadcasts, audiences, recordings, and their storage.
//!
//! Five dialects of live-streaming clients share one set of these nouns. A [`Core`] is the handle; each noun has an
//! accessor with its operations: [`Core::accounts`], [`Core::sessions`], [`Core::rooms`], [`Core::broadcasts`],
//! [`Core::live_rooms`], [`Core::audiences`], [`Core::recordings`], [`Core::short_videos`], [`Core::streams`], [`Core::cloud`].
//!
//! The core promises at any time:
//!
//! * An account has one room, a room has one broadcast, and an account is in an audience once.
//! * The result of an operation is on disk when the operation returns. Only beats, last uses and,
//!   with SQLite, the cursors of qplus lists may lose their last second in a crash.
//! * Counters are exact and never negative, and nothing past its deadline is in a list.
//! * A caller sees its own earlier writes.
//!
//! **Invariants:** the core knows no HTTP and no dialect's field names or error numbers; the rules branch
//! on a [`Dialect`], which is a name and nothing more. Time comes only from a [`Clock`], randomness only from a [`Random`].
//!
//! The layers, the lowest first. A layer uses only layers listed before it:
//!
//! * `time`, `error`, `config`: points in time and lengths of time, the errors, the settings.
//! * `model`: values. [`sign`]: pure signature functions. `limit`: budgets of client addresses. `login`: password
//!   hashing and throttling.
//! * `store`: connections, transactions, group commit, migrations. `table`: one file per table.
//! * `domain`: the rules, over the tables. `read_model`: the data served from memory. Neither uses the other.
//! * `replica`: loads the read model and follows other gateways. `handle`: [`Core`] and its accessors. [`database`]: the
//!   operators' tools.

mod config;
pub mod database;
mod domain;
mod error;
mod handle;
mod limit;
mod login;
mod model;
mod read_model;
mod replica;
pub mod sign;
mod store;
mod table;
mod time;

pub use self::{
    config::{
        AccountConfig, CloudConfig, Config, DatabaseConfig, LimitConfig, MediaConfig, SessionConfig,
        TimeoutConfig,
    },
    error::{Error, Result, StartError, causes},
    handle::{
        cloud::{CosKey, RoomPermit, RoomServiceSign},
        core::{
            Accounts, Audiences, Broadcasts, Cloud, Core, LiveRooms, Recordings, Rooms, Sessions,
            ShortVideos, Stats, Streams,
        },
        streams::PublishError,
    },
    limit::Limit,
    model::{
        account::{
            Account, Actor, Identifier, NewAccount, Picture, Profile, ProfileUpdate, Purpose, ResetProof,
        },
        anchor::{Anchor, AnchorNames, LiveRoomInfo},
        audience::{GroupMember, Member, MemberNames, Microphone},
        broadcast::{Announcement, Broadcast, BroadcastInfo, HostLocation, OnAirFilter, Report, UserInfo},
        client::{Client, household},
        clock::{Clock, SystemClock, TestClock},
        counter::{Counted, Step},
        custom_field::{CustomFields, FieldChange, FieldValue},
        fragment::Fragment,
        id::{
            AccountId, BroadcastId, Dialect, PictureId, RecordingId, Role, RoomNumber, Sex, ShortVideoId,
            State,
        },
        live_room::{LiveRoom, RoomTexts, RoomViewer},
        name::{FileId, GroupId, StreamCode, UserId},
        overview::{AccountOverview, LatestBroadcast, SessionOverview},
        page::{Page, Window},
        password::Password,
        random::{Random, SystemRandom, TestRandom},
        recording::{FileFormat, NewRecording, Recording, RecordingFilter, RecordingOrder},
        room::{Listing, PageStart, Plan, RecordingHint, Room, RoomText},
        session::{IssuedSession, RefreshOffer, Session},
        short_video::{NewShortVideo, ShortVideo},
        stream::{CallbackSource, LinkMicStream, StreamEvent},
    },
    read_model::room_cache::{RoomList, RoomOnAir},
    time::{Seconds, UnixSeconds},
};
