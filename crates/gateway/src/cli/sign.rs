//! `relive sign`: makes signatures with the configured keys, and checks given ones. Needs no database.

mod check;
mod make;
mod verify;

use std::path::PathBuf;

use clap::{Subcommand, builder::NonEmptyStringValueParser};
use relive_core::{Clock, Random, SystemClock, SystemRandom};

use self::make::Maker;
use super::{Standard, first_line};
use crate::config::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum Sign {
    /// Check this server's signature functions against a file of test vectors
    ///
    /// The file is a JSON list of {name, algorithm, inputs, expected}. The last line of the output is "N passed, M
    /// failed". If a vector failed, the exit code is 1.
    Check {
        /// File of test vectors
        file: PathBuf,
        /// Name of a vector or an algorithm to leave out; may be given several times
        #[arg(long, value_name = "NAME")]
        skip: Vec<String>,
    },
    /// Make the UserSig of a user
    Usersig {
        /// User id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        user: String,
    },
    /// Print what a UserSig contains and which of its checks fail; exit code 1 if one fails
    VerifyUsersig {
        /// The UserSig; "-" reads it from standard input
        #[arg(value_name = "USERSIG", allow_hyphen_values = true)]
        text: String,
        /// Id of the user for whom the UserSig should have been made
        #[arg(long, value_name = "ID")]
        user: Option<String>,
    },
    /// Make the push and play URLs of a stream
    PushUrl {
        /// Name of the stream, such as `1000_anna`
        stream: String,
    },
    /// Make signatures for uploads to object storage, versions 4 and 5
    Cos,
    /// Make a signature for uploading a video
    Vod,
    /// Make the sign of a callback
    Callback {
        /// The callback's t, a Unix time
        t: String,
    },
    /// Make the room-service sign of a user
    RoomService {
        /// User id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        user: String,
    },
}

impl Sign {
    pub(super) fn run(self, sources: &Sources, standard: &mut Standard<'_>) -> anyhow::Result<()> {
        if let Self::Check { file, skip } = &self {
            return check::run(file, skip, standard.out);
        }
        let loaded = super::load_printing_warnings(sources)?;
        let settings = &loaded.settings;
        let now = SystemClock.now();
        let mut bytes = [0; 4];
        SystemRandom.fill(&mut bytes);
        let random = u32::from_le_bytes(bytes);
        let mut maker = Maker { settings, now, random, warnings: Vec::new() };
        let text = match self {
            Self::Check { .. } => return Ok(()),
            Self::VerifyUsersig { text, user } => {
                let text = if text == "-" { first_line(standard.input)? } else { text };
                return verify::run(&text, user.as_deref(), &loaded, now, standard.out);
            }
            Self::Usersig { user } => maker.usersig(&user)?,
            Self::PushUrl { stream } => maker.urls(&stream)?,
            Self::Cos => maker.cos()?,
            Self::Vod => maker.vod()?,
            Self::Callback { t } => maker.callback(&t)?,
            Self::RoomService { user } => maker.room_service(&user)?,
        };
        for warning in maker.warnings {
            writeln!(standard.err, "warning: {warning}")?;
        }
        standard.out.write_all(text.as_bytes())?;
        Ok(())
    }
}
