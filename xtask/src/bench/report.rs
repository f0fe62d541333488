//! The table of measured values and their goals.

use std::fmt::{self, Write as _};

/// The condition that a measured value must meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// No condition: the row is kept to compare it with later runs.
    Open,
}

impl Goal {
    /// Whether a value meets the goal; `None` without a condition. NaN meets no condition.
    pub(crate) fn met(self, measured: f64) -> Option<bool> {
        match self {
            Self::AtLeast(goal) => Some(measured >= goal),
            Self::AtMost(goal) => Some(measured <= goal),
            Self::Open => None,
        }
    }

    /// The goal as a table shows it.
    pub(crate) fn text(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(goal) => format!("≥ {}", unit.number(goal)),
            Self::AtMost(goal) => format!("≤ {}", unit.number(goal)),
            Self::Open => String::new(),
        }
    }
}

/// A unit, and the number of digits after the decimal point to print.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit(pub(crate) &'static str, pub(crate) usize);

impl Unit {
    /// A value with its unit.
    pub(crate) fn number(self, value: f64) -> String {
        let Self(unit, digits) = self;
        format!("{} {unit}", grouped(value, digits)).trim_end().to_owned()
    }
}

pub(crate) const TIMES_BARE: Unit = Unit("× bare", 2);
pub(crate) const TIMES: Unit = Unit("×", 2);
pub(crate) const MILLISECONDS: Unit = Unit("ms", 2);
pub(crate) const MEGABYTES: Unit = Unit("MB", 0);
pub(crate) const INSTRUCTIONS: Unit = Unit("instructions", 0);

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) connections: Option<u32>,
    /// `None`: not measured, for the reason in `relive`.
    pub(crate) measured: Option<f64>,
    pub(crate) unit: Unit,
    pub(crate) goal: Goal,
    /// Figures of relive.
    pub(crate) relive: String,
    /// Figures of the yardstick.
    pub(crate) beside: String,
}

impl Row {
    /// Whether the row was measured and missed its goal.
    pub(crate) fn missed(&self) -> bool {
        self.measured.and_then(|measured| self.goal.met(measured)) == Some(false)
    }
}

/// Formats the row as a line of a Markdown table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections.map_or_else(String::new, |count| count.to_string());
        let goal = self.goal.text(self.unit);
        let measured =
            self.measured.map_or_else(|| "not measured".to_owned(), |value| self.unit.number(value));
        let met = match self.measured.and_then(|measured| self.goal.met(measured)) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let Self { scenario, relive, beside, .. } = self;
        write!(f, "| {scenario} | {connections} | {measured} | {goal} | {met} | {relive} | {beside} |")
    }
}

/// All rows so far.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

pub(crate) const HEAD: &str = "| scenario | connections | measured | goal | met | relive | beside it |\n\
                               | --- | --- | --- | --- | --- | --- | --- |\n";

impl Report {
    /// Adds a row and prints it.
    pub(crate) fn add(&mut self, row: Row) {
        println!("{row}");
        self.0.push(row);
    }

    /// Adds a row for a scenario that could not be measured.
    pub(crate) fn skip(&mut self, scenario: &str, reason: &str) {
        self.add(Row {
            scenario: scenario.to_owned(),
            connections: None,
            measured: None,
            unit: TIMES,
            goal: Goal::Open,
            relive: reason.to_owned(),
            beside: String::new(),
        });
    }

    /// Whether the report has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Formats the report as a Markdown table.
    pub(crate) fn table(&self) -> String {
        self.0.iter().fold(HEAD.to_owned(), |mut table, row| {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{row}");
            table
        })
    }

    /// The rows that missed their goals.
    pub(crate) fn missed(&self) -> Vec<String> {
        let missed = self.0.iter().filter(|row| row.missed());
        let name = |row: &Row| match row.connections {
            Some(connections) => format!("{} ({connections})", row.scenario),
            None => row.scenario.clone(),
        };
        missed.map(name).collect()
    }
}

/// A number with commas between groups of three digits.
pub(crate) fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let whole = text.split_once('.').map_or(text.len(), |(whole, _)| whole.len());
    let mut grouped = String::new();
    for (at, character) in text.chars().enumerate() {
        let left = whole.saturating_sub(at);
        if at > 0
            && left > 0
            && left.is_multiple_of(3)
            && character.is_ascii_digit()
            && !grouped.ends_with('-')
        {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

/// The middle one of an odd number of values, the upper middle one of an even number.
pub(crate) fn median<T>(mut values: Vec<T>, key: impl Fn(&T) -> f64) -> Option<T> {
    values.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measured: Option<f64>, goal: Goal) -> Row {
        Row {
            scenario: "list".to_owned(),
            connections: Some(64),
            measured,
            unit: TIMES_BARE,
            goal,
            relive: "a".to_owned(),
            beside: "b".to_owned(),
        }
    }

    #[test]
    fn goals_are_met_at_their_edge() {
        assert_eq!(Goal::AtLeast(0.8).met(0.8), Some(true));
        assert_eq!(Goal::AtLeast(0.8).met(0.79), Some(false));
        assert_eq!(Goal::AtMost(20.0).met(20.0), Some(true));
        assert_eq!(Goal::AtMost(20.0).met(20.1), Some(false));
        assert_eq!(Goal::AtMost(20.0).met(f64::NAN), Some(false));
        assert_eq!(Goal::Open.met(1.0), None);
    }

    #[test]
    fn missed_goals_are_listed_and_marked_in_the_table() {
        let mut report = Report::default();
        report.add(row(Some(0.7), Goal::AtLeast(0.8)));
        report.add(row(Some(0.9), Goal::AtLeast(0.8)));
        report.add(row(None, Goal::AtLeast(0.8)));
        report.skip("callgrind", "no valgrind");
        assert_eq!(report.missed(), ["list (64)"]);
        let table = report.table();
        assert!(table.contains("| list | 64 | 0.70 × bare | ≥ 0.80 × bare | **no** | a | b |\n"), "{table}");
        assert!(table.contains("| callgrind |  | not measured |  |  | no valgrind |  |\n"), "{table}");
    }

    #[test]
    fn numbers_are_grouped() {
        let cases =
            [(0.5, 2, "0.50"), (999.0, 0, "999"), (1_000.0, 0, "1,000"), (-123_456.78, 1, "-123,456.8")];
        for (value, digits, expected) in cases {
            assert_eq!(grouped(value, digits), expected);
        }
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0], |value| *value), Some(2.0));
        assert_eq!(median(vec![1.0, 2.0], |value| *value), Some(2.0));
        assert_eq!(median(Vec::<f64>::new(), |value| *value), None);
    }
}
