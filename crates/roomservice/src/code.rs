//! The codes of this dialect and their messages (contract roomservice §3).

use std::fmt;

use relive_core::{Error, causes};
use relive_wire::JsonError;

/// A refusal. Success is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 2: the body or the named field is missing or invalid.
    Parameter(&'static str),
    /// 3: the room does not exist, or is not on air.
    NoRoom,
    /// 3: the room is another account's.
    NotCreator,
    /// 4: a parameter of `login` is missing, or no IM secret is configured.
    Login(&'static str),
    /// 5: the caller is not an anchor of the room.
    NotMember,
    /// 7: the userSig or the token is refused.
    Unauthorized,
    /// 10: the parameters of the mixer are no JSON object.
    MergeParams,
    /// 11: the id of the room is taken.
    RoomTaken,
    /// 11: the description of the room is too long.
    LongRoomInfo,
    /// 404: no call has that name.
    UnknownInterface,
    /// 500: a failure of the server.
    Server(&'static str),
    /// 5001: the room has its full number of anchors.
    RoomFull,
}

impl Code {
    /// The number of a success.
    pub(crate) const SUCCESS: i32 = 0;

    /// The number in the envelope.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Parameter(_) => 2,
            Self::NoRoom | Self::NotCreator => 3,
            Self::Login(_) => 4,
            Self::NotMember => 5,
            Self::Unauthorized => 7,
            Self::MergeParams => 10,
            Self::RoomTaken | Self::LongRoomInfo => 11,
            Self::UnknownInterface => 404,
            Self::Server(_) => 500,
            Self::RoomFull => 5001,
        }
    }
}

/// The message in the envelope.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(field) => write!(f, "请求失败，缺少参数 | {field}"),
            Self::NoRoom => f.write_str("请求失败，房间不存在"),
            Self::NotCreator => f.write_str("不是房间主人，无法销毁房间"),
            Self::Login(detail) => write!(f, "请求参数不全 | {detail}"),
            Self::NotMember => f.write_str("请求失败，不是房间成员"),
            Self::Unauthorized => f.write_str("请求失败，鉴权失败"),
            Self::MergeParams => f.write_str("请求失败，mergeParams 不是 JSON"),
            Self::RoomTaken => f.write_str("房间已经存在"),
            Self::LongRoomInfo => f.write_str("请求失败，roomInfo 长度超过 1024 字节"),
            Self::UnknownInterface => f.write_str("unknown interface"),
            Self::Server(detail) => write!(f, "服务器错误 | {detail}"),
            Self::RoomFull => f.write_str("超出房间人数上限"),
        }
    }
}

impl From<Error> for Code {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchAccount | Error::WrongPassword | Error::ProofRequired | Error::InvalidSession => {
                Self::Unauthorized
            }
            Error::RoomNotFound => Self::NotCreator,
            Error::NotOnAir => Self::NoRoom,
            Error::RoomTaken => Self::RoomTaken,
            Error::InvalidRoomId => Self::Parameter("roomID"),
            Error::NotAnAnchor => Self::NotMember,
            Error::RoomFull => Self::RoomFull,
            Error::ForeignStream => Self::Parameter("pushURL"),
            Error::FieldRefused => Self::Parameter("value"),
            // No operation that this dialect uses fails with one of these.
            Error::AccountExists
            | Error::PhoneExists
            | Error::EmailExists
            | Error::RegistrationClosed
            | Error::NotRoomOwner
            | Error::NoRoom
            | Error::RoomPasswordsCollide
            | Error::WrongCode => Self::Parameter("not possible here"),
            Error::RateLimited => Self::Server("too many attempts, try again later"),
            Error::Busy => Self::Server("busy, try again"),
            Error::Unavailable => Self::Server("storage unavailable"),
            Error::Storage(_) => {
                tracing::error!(adapter = "roomservice", error = %causes(&error), "storage failed");
                Self::Server("storage failure")
            }
        }
    }
}

impl From<JsonError> for Code {
    fn from(error: JsonError) -> Self {
        Self::Parameter(match error {
            JsonError::Empty | JsonError::Malformed => "body is not JSON",
            JsonError::Null | JsonError::NotAnObject => "body is not a JSON object",
        })
    }
}
