//! The codes of the envelope and their texts (seed 004 返回码列表). Clients show a text to their user unchanged, and compare
//! the number with 10000 and 10003 only.

use relive_core::{Error, causes};

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Success.
    Success,
    /// A failure of the server, a busy server, or too many requests of a client.
    Server,
    /// A field or the whole body is invalid.
    Param,
    /// The session is missing, unknown, or was not used for an hour. Clients then log in again without asking the user.
    SessionExpired,
    /// No account has that name, phone or e-mail address.
    NoSuchAccount,
    /// The password is wrong.
    WrongPassword,
    /// The account name is taken.
    AccountExists,
    /// The phone is taken.
    PhoneExists,
    /// No account has that phone.
    NoSuchPhone,
    /// The e-mail address is taken.
    EmailExists,
    /// The verification code is wrong. It has the number of [`Code::EmailExists`], but its own text (contract qplus
    /// §5.1).
    WrongProof,
    /// No room has that number, or the room is not the caller's.
    NoSuchRoom,
    /// Two passwords of the room would be equal.
    RoomPasswordsCollide,
    /// The caller has no room.
    NoRoom,
    /// The name of the room is invalid.
    RoomName,
    /// A password of the room is invalid.
    RoomPassword,
    /// The picture is not valid base64.
    Picture,
}

impl Code {
    /// `status` of the envelope.
    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::Success => 10_000,
            Self::Server => 10_001,
            Self::Param => 10_002,
            Self::SessionExpired => 10_003,
            Self::NoSuchAccount => 10_100,
            Self::WrongPassword => 10_101,
            Self::AccountExists => 10_102,
            Self::PhoneExists => 10_103,
            Self::NoSuchPhone => 10_104,
            Self::EmailExists | Self::WrongProof => 10_105,
            Self::NoSuchRoom => 10_200,
            Self::RoomPasswordsCollide => 10_201,
            Self::NoRoom => 10_202,
            Self::RoomName => 10_203,
            Self::RoomPassword => 10_204,
            Self::Picture => 10_300,
        }
    }

    /// `desc` of the envelope. It contains no character that JSON escapes.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Success => "成功",
            Self::Server => "系统异常",
            Self::Param => "参数错误",
            Self::SessionExpired => "登录过期,重新登录",
            Self::NoSuchAccount => "账号不存在",
            Self::WrongPassword => "登录密码错误",
            Self::AccountExists => "账号已注册",
            Self::PhoneExists => "手机已注册",
            Self::NoSuchPhone => "手机不存在",
            Self::EmailExists => "邮箱已注册",
            Self::WrongProof => "验证码错误",
            Self::NoSuchRoom => "直播室ID不存在",
            Self::RoomPasswordsCollide => "直播室密码重复",
            Self::NoRoom => "直播室不存在",
            Self::RoomName => "直播室名称非法",
            Self::RoomPassword => "直播室密码非法",
            Self::Picture => "头像解码错误",
        }
    }
}

impl From<Error> for Code {
    /// Logs a failure of the storage, here and nowhere else; its cause is never sent to a client.
    fn from(error: Error) -> Self {
        match &error {
            Error::AccountExists => Self::AccountExists,
            Error::PhoneExists => Self::PhoneExists,
            Error::EmailExists => Self::EmailExists,
            Error::NoSuchAccount => Self::NoSuchAccount,
            Error::WrongPassword => Self::WrongPassword,
            Error::InvalidSession => Self::SessionExpired,
            Error::NotRoomOwner
            | Error::RoomNotFound
            | Error::NotOnAir
            // No operation that this dialect uses fails with one of these.
            | Error::FieldRefused
            | Error::ForeignStream
            | Error::InvalidRoomId
            | Error::NotAnAnchor
            | Error::RoomFull
            | Error::RoomTaken => Self::NoSuchRoom,
            Error::NoRoom => Self::NoRoom,
            Error::RoomPasswordsCollide => Self::RoomPasswordsCollide,
            Error::WrongCode => Self::WrongProof,
            Error::RegistrationClosed | Error::ProofRequired => Self::Param,
            Error::RateLimited | Error::Busy | Error::Unavailable => Self::Server,
            Error::Storage(_) => {
                tracing::error!(
                    adapter = "qplus",
                    error = %causes(&error),
                    "storage failed"
                );
                Self::Server
            }
        }
    }
}
