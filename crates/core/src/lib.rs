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
//! Where things are: one folder or file per noun; `store` holds connections, group commit and migrations; `live` and
//! `memory` what is served from memory, `read_model` and `mirror` how it gets there; [`sign`] pure signature functions; [`database`] what operators do.

mod account;
mod audience;
mod broadcast;
mod clock;
mod cloud;
mod commit;
mod config;
mod core;
pub mod database;
mod error;
mod follower;
mod fragment;
mod id;
mod live;
mod memory;
mod page;
mod random;
mod read_model;
mod recording;
mod report;
mod room;
mod rule;
mod session;
mod short_video;
pub mod sign;
mod store;
mod stream;

pub use self::{
    account::{
        Account, AccountOverview, Accounts, Actor, Identifier, LatestBroadcast, NewAccount, Password,
        Picture, Profile, ProfileUpdate, Purpose, ResetProof, SessionOverview,
    },
    audience::{Audiences, GroupMember, Member, MemberNames},
    broadcast::{
        Announcement, Broadcast, BroadcastInfo, Broadcasts, Counted, HostLocation, Report, Step, UserInfo,
    },
    clock::{Clock, SystemClock, TestClock, UnixSeconds},
    cloud::{Cloud, CosKey, RoomPermit, RoomServiceSign},
    config::{
        AccountConfig, CloudConfig, Config, DatabaseConfig, LimitConfig, MediaConfig, SessionConfig,
        TimeoutConfig,
    },
    core::{Core, Stats},
    error::{Error, Result, StartError, causes},
    fragment::Fragment,
    id::{
        AccountId, BroadcastId, Dialect, PictureId, RecordingId, Role, RoomNumber, Sex, ShortVideoId, State,
    },
    live::OnAirFilter,
    page::{Page, Window},
    random::{Random, SystemRandom, TestRandom},
    recording::{FileFormat, NewRecording, Recording, RecordingFilter, RecordingOrder, Recordings},
    room::{Listing, Plan, Room, RoomList, RoomOnAir, RoomText, Rooms},
    session::{IssuedSession, Session, Sessions},
    short_video::{NewShortVideo, ShortVideo, ShortVideos},
    stream::{CallbackSource, StreamEvent, Streams},
};
