//! One file per table: its row, the queries that find rows, the writes, which report their changes to the read
//! model, and the conversion of a row into a value. The tables decide nothing: the rules are in `domain`.

pub(crate) mod accounts;
pub(crate) mod audience;
pub(crate) mod broadcasts;
pub(crate) mod changes;
pub(crate) mod counters;
pub(crate) mod follows;
pub(crate) mod head_pictures;
pub(crate) mod pushes;
pub(crate) mod recording_audience;
pub(crate) mod recordings;
pub(crate) mod reports;
pub(crate) mod revoked_codes;
pub(crate) mod rooms;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod short_videos;
pub(crate) mod stream_codes;
pub(crate) mod verifications;
