//! Writes times as this dialect shows them: `2026-01-01 08:00:00`, in a fixed offset from UTC (contract minilvb-v2 §4).

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use relive_core::UnixSeconds;
use serde::{Serialize, Serializer};

/// A date and time of day in a time zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalTime(DateTime);

impl LocalTime {
    /// Converts a time to the zone `offset` seconds east of UTC. A time or an offset beyond the calendar's range
    /// becomes the nearest one within the range.
    pub(crate) fn new(time: UnixSeconds, offset: i32) -> Self {
        let offset =
            Offset::from_seconds(offset).unwrap_or(if offset < 0 { Offset::MIN } else { Offset::MAX });
        let time = Timestamp::from_second(time.0).unwrap_or(if time.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self(offset.to_datetime(time))
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.strftime("%Y-%m-%d %H:%M:%S"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_offset() {
        let text = |time, offset| serde_json::to_string(&LocalTime::new(UnixSeconds(time), offset)).unwrap();
        assert_eq!(text(1_767_225_600, 28_800), r#""2026-01-01 08:00:00""#);
        assert_eq!(text(1_767_225_600, 0), r#""2026-01-01 00:00:00""#);
        assert_eq!(text(0, -3_600), r#""1969-12-31 23:00:00""#);
        assert_eq!(text(951_782_400, 19_800), r#""2000-02-29 05:30:00""#);
        assert_eq!(text(i64::MAX, i32::MAX).len(), text(i64::MAX, i32::MIN).len());
        assert_eq!(text(i64::MIN, 0), r#""-9999-01-02 01:59:59""#);
    }
}
