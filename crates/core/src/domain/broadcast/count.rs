//! Counting likes and nameless viewers.

use crate::{
    Counted, Result,
    model::counter::{Counter, Steps},
    store::{Isolation, Tx, conn::Conn},
    table::{counters, recordings},
};

/// Moves counters; without effect on a counter that is not there.
pub(crate) fn apply(tx: &mut Tx<'_>, steps: &[(Counter, Steps)]) -> Result<()> {
    if let Conn::Postgres(_) = tx.conn {
        for kind in [Counted::Like, Counted::AnonymousViewer] {
            let of_broadcasts: Vec<(&str, Steps)> = steps
                .iter()
                .filter_map(|(counter, steps)| match counter {
                    Counter::Broadcast { user_id, counted } if *counted == kind => {
                        Some((user_id.as_str(), *steps))
                    }
                    _ => None,
                })
                .collect();
            counters::count_many(tx, kind, &of_broadcasts)?;
        }
    }
    for (counter, steps) in steps {
        match counter {
            Counter::Broadcast { user_id, counted } => {
                if let Conn::Sqlite(_) = tx.conn {
                    counters::count(tx, user_id, *counted, *steps)?;
                }
            }
            Counter::Recording { owner, file_id, counted } => {
                recordings::count(tx, owner, file_id, *counted, *steps)?;
            }
        }
    }
    Ok(())
}

/// Steps of one kind on broadcasts are one statement, or, with SQLite, one for each broadcast.
pub(crate) fn isolation(counters: &[(Counter, Steps)]) -> Isolation {
    let kind = |(counter, _): &(Counter, Steps)| match counter {
        Counter::Broadcast { counted, .. } => Some(*counted),
        Counter::Recording { .. } => None,
    };
    let first = counters.first().and_then(kind);
    match counters {
        _ if first.is_none() || counters.iter().any(|counter| kind(counter) != first) => Isolation::Loose,
        [_] => Isolation::Statement,
        _ => Isolation::Together,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counter::LARGEST_COUNT;

    #[test]
    fn only_steps_of_one_kind_do_without_a_transaction() {
        let one = |counter| (counter, Steps { by: 1, low: 0, high: LARGEST_COUNT });
        let broadcast = |user: &str, counted| one(Counter::Broadcast { user_id: user.to_owned(), counted });
        let like = |user| broadcast(user, Counted::Like);
        let viewer = || broadcast("a", Counted::AnonymousViewer);
        let recording = || {
            let (owner, file_id) = ("a".to_owned(), "file".to_owned());
            one(Counter::Recording { owner, file_id, counted: Counted::Like })
        };
        assert_eq!(isolation(&[like("a")]), Isolation::Statement);
        assert_eq!(isolation(&[viewer()]), Isolation::Statement);
        // With SQLite a statement each: all of them are counted, or none.
        assert_eq!(isolation(&[like("a"), like("b")]), Isolation::Together);
        assert_eq!(isolation(&[like("a"), viewer()]), Isolation::Loose);
        assert_eq!(isolation(&[like("a"), recording()]), Isolation::Loose);
        assert_eq!(isolation(&[recording()]), Isolation::Loose);
        assert_eq!(isolation(&[]), Isolation::Loose);
    }
}
