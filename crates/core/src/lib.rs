//! The domain of relive: accounts, sessions, rooms, broadcasts, audiences, recordings, and their storage.
//!
//! Four dialects of live-streaming clients share one set of these nouns. A [`Core`] is the handle; each noun has an
//! accessor with its operations: [`Core::accounts`], [`Core::sessions`], [`Core::rooms`], [`Core::broadcasts`],
//! [`Core::audiences`], [`Core::recordings`], [`Core::short_videos`], [`Core::streams`], [`Core::cloud`].
//!
//! What holds at any time:
//!
//! * One room per account, one broadcast per room, one row per user in an audience.
//! * What an operation returned is on disk. Only clocks (beats, "last used") may lose their last second.
//! * Counters are exact, never negative; what has timed out is in no list.
//! * Who reads sees what it wrote before.
//!
//! **Invariants:** the core knows no HTTP and no dialect's field names or error numbers; a [`Dialect`] is a tag that
//! picks a policy. Time comes from a [`Clock`], randomness from a [`Random`], nothing else reads either.
//!
//! Where things are, from the bottom up; each layer uses only the layers above it in this list:
//!
//! * `time`, `error`, `config`: plain.
//! * `model`: values. [`sign`]: pure signature functions. `login`: password hashing and throttling.
//! * `store`: connections, transactions, group commit, migrations. `table`: one file per table.
//! * `domain`: the rules, over the tables. `read_model`: the state in memory. Neither knows the other.
//! * `replica`: loads and follows. `handle`: [`Core`] and its accessors. [`database`]: what operators do.

mod config;
pub mod database;
mod domain;
mod error;
mod handle;
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
            Accounts, Audiences, Broadcasts, Cloud, Core, Recordings, Rooms, Sessions, ShortVideos, Stats,
            Streams,
        },
    },
    model::{
        account::{
            Account, Actor, Identifier, NewAccount, Picture, Profile, ProfileUpdate, Purpose, ResetProof,
        },
        audience::{GroupMember, Member, MemberNames},
        broadcast::{Announcement, Broadcast, BroadcastInfo, HostLocation, OnAirFilter, Report, UserInfo},
        clock::{Clock, SystemClock, TestClock},
        counter::{Counted, Step},
        fragment::Fragment,
        id::{
            AccountId, BroadcastId, Dialect, PictureId, RecordingId, Role, RoomNumber, Sex, ShortVideoId,
            State,
        },
        overview::{AccountOverview, LatestBroadcast, SessionOverview},
        page::{Page, Window},
        password::Password,
        random::{Random, SystemRandom, TestRandom},
        recording::{FileFormat, NewRecording, Recording, RecordingFilter, RecordingOrder},
        room::{Listing, Plan, Room, RoomText},
        session::{IssuedSession, Session},
        short_video::{NewShortVideo, ShortVideo},
        stream::{CallbackSource, StreamEvent},
    },
    read_model::room_cache::{RoomList, RoomOnAir},
    time::{Seconds, UnixSeconds},
};
