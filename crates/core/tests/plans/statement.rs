//! Records the statements that a core sends, with their values.

use std::sync::{Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// The statements recorded since [`record`]; `None`: nothing is recorded.
static RECORDED: Mutex<Option<Vec<String>>> = Mutex::new(None);

struct Recorder;

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && let Some(recorded) = &mut *RECORDED.lock().unwrap_or_else(PoisonError::into_inner)
        {
            recorded.push(query.to_string());
        }
    }
}

/// Lets every connection opened from now on be recorded.
pub(crate) fn install() {
    set_default_instrumentation(|| Some(Box::new(Recorder))).unwrap();
}

/// Begins to record.
pub(crate) fn record() {
    *RECORDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Ends recording and returns every queried or changed statement once, with its values.
pub(crate) fn recorded() -> Vec<Statement> {
    let mut texts = RECORDED.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    texts.sort_unstable();
    texts.dedup();
    texts.iter().filter_map(|text| Statement::parse(text)).collect()
}

/// A statement with the values of its parameters.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
    /// Several values of one type, other than integers.
    List(Vec<Value>),
}

impl Statement {
    /// Parses the text by which diesel shows a statement; `None` for one that reads and changes no rows, such as `BEGIN`.
    fn parse(shown: &str) -> Option<Self> {
        let first = shown.split_whitespace().next()?;
        if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first) {
            return None;
        }
        let (sql, values) = shown.rsplit_once(" -- binds: ").unwrap_or((shown, "[]"));
        let mut parser = Parser { rest: values, sql };
        let values = parser.list();
        Some(Self { sql: sql.to_owned(), values: values.into_iter().map(|(value, _)| value).collect() })
    }
}

/// Reads values as `Debug` shows them.
struct Parser<'a> {
    rest: &'a str,
    sql: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(rest) => self.rest = rest,
            None => self.rest = rest,
        }
        rest.starts_with(word)
    }

    /// The values of a list, and whether the type of each has a name of its own.
    fn list(&mut self) -> Vec<(Value, bool)> {
        assert!(self.eat("["), "a list is expected at {:?} of {}", self.rest, self.sql);
        let mut values = Vec::new();
        while !self.eat("]") {
            values.push(self.value());
            self.eat(",");
        }
        values
    }

    fn value(&mut self) -> (Value, bool) {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('[') {
            return (Self::array(self.list()), false);
        }
        if self.rest.starts_with('"') {
            return (Value::Text(self.text()), false);
        }
        let end = self.rest.find(|next: char| !next.is_alphanumeric() && !"_.-".contains(next));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if self.eat("(") {
            let (value, _) = self.value();
            assert!(self.eat(")"), "one value is expected in {word} of {}", self.sql);
            return (value, true);
        }
        let number = word.parse().map(Value::Integer).or_else(|_| word.parse().map(Value::Real));
        let value =
            match (word, number) {
                ("None", _) => Value::Null,
                ("true" | "false", _) => Value::Bool(word == "true"),
                (_, Ok(number)) => number,
                (name, Err(_)) => Value::Integer(numbered(name).unwrap_or_else(|| {
                    panic!("what number is {name:?} in {}? rest: {:?}", self.sql, self.rest)
                })),
            };
        (value, false)
    }

    fn array(values: Vec<(Value, bool)>) -> Value {
        let named = values.iter().any(|(_, named)| *named);
        let integers: Option<Vec<i64>> = values
            .iter()
            .map(|(value, _)| if let Value::Integer(number) = value { Some(*number) } else { None })
            .collect();
        // Digests and the picture have 32 bytes; the lists of numbers here are shorter or longer.
        match integers {
            Some(bytes) if !named && bytes.len() == 32 => {
                Value::Bytes(bytes.into_iter().map(|byte| u8::try_from(byte).unwrap()).collect())
            }
            Some(numbers) => Value::Integers(numbers),
            None => Value::List(values.into_iter().map(|(value, _)| value).collect()),
        }
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, next)) = chars.next() {
            match next {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return text;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                other => text.push(other),
            }
        }
        panic!("the text {:?} has no end in {}", self.rest, self.sql)
    }
}

/// The number that stands for an enumeration's name in a column.
fn numbered(name: &str) -> Option<i64> {
    Some(match name {
        "Prepared" | "Viewer" | "Unknown" => 0,
        "MinilvbV1" | "OnAir" | "Host" | "Male" => 1,
        "MinilvbV2" | "Ended" | "OnMic" | "Female" => 2,
        "Sxb" => 3,
        "Qplus" => 4,
        "RoomService" => 5,
        _ => return None,
    })
}

#[test]
fn the_values_of_a_statement_are_read() {
    let shown = "SELECT ?, ? -- binds: [AccountId(3), \"a \\\"b\\\" -- [\", None, Some(\"x\"), [1, 2], true, -5, OnAir, 0.5]";
    let statement = Statement::parse(shown).unwrap();
    assert_eq!(statement.sql, "SELECT ?, ?");
    assert_eq!(
        statement.values,
        [
            Value::Integer(3),
            Value::Text("a \"b\" -- [".to_owned()),
            Value::Null,
            Value::Text("x".to_owned()),
            Value::Integers(vec![1, 2]),
            Value::Bool(true),
            Value::Integer(-5),
            Value::Integer(1),
            Value::Real(0.5),
        ]
    );
    assert!(Statement::parse("BEGIN IMMEDIATE").is_none());
}
