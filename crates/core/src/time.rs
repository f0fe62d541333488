//! Points in time and lengths of time, both in whole seconds.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
};

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::BigInt};
use serde::{Deserialize, Serialize};

/// A point in time: seconds since 1970-01-01 00:00:00 UTC.
///
/// Sums and differences stop at the ends of the range instead of wrapping, because lengths and times may come from clients.
///
/// ```
/// use relive_core::{Seconds, UnixSeconds};
/// let start = UnixSeconds(1_700_000_000);
/// assert_eq!(start + Seconds(90), UnixSeconds(1_700_000_090));
/// assert_eq!(UnixSeconds(1_700_000_090) - start, Seconds(90));
/// assert_eq!(UnixSeconds::MAX + Seconds(1), UnixSeconds::MAX);
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = BigInt)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

/// A length of time in seconds; negative where the end lies before the start.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = BigInt)]
#[serde(transparent)]
pub struct Seconds(pub i64);

impl UnixSeconds {
    /// Before every other time.
    pub const MIN: Self = Self(i64::MIN);
    /// After every other time; stands for "never".
    pub const MAX: Self = Self(i64::MAX);
}

impl Add<Seconds> for UnixSeconds {
    type Output = Self;

    fn add(self, length: Seconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl AddAssign<Seconds> for UnixSeconds {
    fn add_assign(&mut self, length: Seconds) {
        *self = *self + length;
    }
}

impl Sub<Seconds> for UnixSeconds {
    type Output = Self;

    fn sub(self, length: Seconds) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

impl Sub for UnixSeconds {
    type Output = Seconds;

    /// The length from the other time to this one.
    fn sub(self, start: Self) -> Seconds {
        Seconds(self.0.saturating_sub(start.0))
    }
}

impl Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_range() {
        assert_eq!(UnixSeconds::MAX + Seconds(1), UnixSeconds::MAX);
        assert_eq!(UnixSeconds::MIN - Seconds(1), UnixSeconds::MIN);
        assert_eq!(UnixSeconds::MIN - UnixSeconds::MAX, Seconds(i64::MIN));
        assert_eq!(Seconds(i64::MAX) + Seconds(1), Seconds(i64::MAX));
    }

    #[test]
    fn both_are_written_as_plain_numbers() {
        assert_eq!((UnixSeconds(-5).to_string(), Seconds(5).to_string()), ("-5".to_owned(), "5".to_owned()));
        assert_eq!(serde_json::to_string(&(UnixSeconds(17), Seconds(3))).expect("numbers"), "[17,3]");
        assert_eq!(serde_json::from_str::<UnixSeconds>("17").expect("a number"), UnixSeconds(17));
    }
}
