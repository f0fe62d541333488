//! Counts likes and anonymous viewers.

use crate::{
    Counted, Result,
    model::counter::{Counter, Steps},
    store::{
        Isolation, Tx,
        conn::{Conn, Engine},
    },
    table::{counters, recordings},
};

/// Adds steps to counters; without effect on a counter that does not exist.
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

/// The isolation that [`apply`] needs. Steps of one kind on broadcasts are one statement, with SQLite one per broadcast.
pub(crate) fn isolation(counters: &[(Counter, Steps)], engine: Engine) -> Isolation {
    let kind = |(counter, _): &(Counter, Steps)| match counter {
        Counter::Broadcast { counted, .. } => Some(*counted),
        Counter::Recording { .. } => None,
    };
    let first = counters.first().and_then(kind);
    let one_kind = first.is_some() && counters.iter().all(|counter| kind(counter) == first);
    if one_kind && (counters.len() == 1 || engine == Engine::Postgres) {
        Isolation::SingleStatement
    } else {
        Isolation::ReadCommitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counter::LARGEST_COUNT;

    #[test]
    fn only_steps_of_one_kind_need_no_transaction() {
        let one = |counter| (counter, Steps { by: 1, low: 0, high: LARGEST_COUNT });
        let broadcast = |user: &str, counted| one(Counter::Broadcast { user_id: user.into(), counted });
        let like = |user| broadcast(user, Counted::Like);
        let viewer = || broadcast("a", Counted::AnonymousViewer);
        let recording = || {
            let (owner, file_id) = ("a".into(), "file".into());
            one(Counter::Recording { owner, file_id, counted: Counted::Like })
        };
        for engine in [Engine::Sqlite, Engine::Postgres] {
            assert_eq!(isolation(&[like("a")], engine), Isolation::SingleStatement);
            assert_eq!(isolation(&[viewer()], engine), Isolation::SingleStatement);
            assert_eq!(isolation(&[like("a"), viewer()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[like("a"), recording()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[recording()], engine), Isolation::ReadCommitted);
            assert_eq!(isolation(&[], engine), Isolation::ReadCommitted);
        }
        assert_eq!(isolation(&[like("a"), like("b")], Engine::Postgres), Isolation::SingleStatement);
        // SQLite needs a statement for each, and a transaction so that all of them are counted or none.
        assert_eq!(isolation(&[like("a"), like("b")], Engine::Sqlite), Isolation::ReadCommitted);
    }
}
